import { createHttpClient } from "../storage/http.ts";
import type { Compute, GroupState, Offer } from "./compute.ts";

/** How long the local cloud may say nothing, in milliseconds. */
const limitMs = 10_000;

type Offers = Readonly<Record<"images" | "flavors" | "networks", Offer[]>>;

/** The groups that this machine's identity may set the size of, through the endpoint that gave it the identity. */
export function openLocalCompute(identityUrl: string): Compute {
  const client = createHttpClient(limitMs);
  const ask = async (method: string, path: string, body?: object): Promise<Buffer> => {
    const answer = await client.call({
      method,
      url: `${identityUrl}${path}`,
      ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(limitMs),
    });
    if (answer.status < 300) return answer.body;
    throw new Error(
      `the local cloud answered ${answer.status}: ${answer.body.toString().slice(0, 300).trim()}`,
    );
  };
  const json = async <T>(path: string) => JSON.parse((await ask("GET", path)).toString()) as T;
  const offers = () => json<Offers>("/offers");
  return {
    async groups(ids) {
      return (await json<GroupState[]>("/groups")).filter(({ id }) => ids.includes(id));
    },
    async resize(id, size) {
      await ask("PUT", `/groups/${id}/size`, { size });
    },
    images: async () => (await offers()).images,
    flavors: async () => (await offers()).flavors,
    networks: async () => (await offers()).networks,
  };
}
