import type { CloudFolder } from "../cloud-folder.ts";

/** OpenStack: Keystone, Nova, Neutron, Octavia and Swift. */
export const cloud: CloudFolder = {
  rules: async () => (await import("./config.ts")).rules,
  program: () => import("./program.ts"),
  newStack: async () => (await import("./new-stack.ts")).newStack,
  kinds: async () => (await import("./kinds.ts")).kinds,
  openings: async () => (await import("./openings.ts")).openingsOf,
  edits: async () => (await import("./edits.ts")).edits,
  policy: async () => (await import("./policy.ts")).policy,
  machines: () => import("./machines.ts"),
  monitoring: () => import("./monitoring.ts"),
  clones: () => import("./clones.ts"),
  images: () => import("./machine-images.ts"),
  files: () => import("./files.ts"),
  leftovers: () => import("./leftovers.ts"),
};
