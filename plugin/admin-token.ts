import { createHash, randomBytes } from "node:crypto";
import type { ResourceKind } from "./resource.ts";

/** The token's size in bytes: as many as the hash that stands for it. */
const tokenBytes = 32;

export const adminToken: ResourceKind = {
  replaceOn: [],
  async create() {
    const token = randomBytes(tokenBytes).toString("base64url");
    const sha256 = createHash("sha256").update(token).digest("hex");
    return { id: sha256.slice(0, 12), outputs: { token, sha256 } };
  },
};
