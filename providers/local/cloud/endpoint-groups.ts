import type { FastifyInstance } from "fastify";
import type { GroupState, Offer } from "../../../service/compute/compute.ts";
import { machineTypes } from "../machine-types.ts";
import type { GroupSpec } from "./specs.ts";
import type { State } from "./store.ts";

/** What the endpoint can do with groups; nothing of them is known while it is made. */
export interface GroupControl {
  state(id: string): GroupState | undefined;
  /** @throws when the size is none that the group may have */
  resize(id: string, size: number): void;
}

type Params = { readonly token: string; readonly id: string };

/**
 * Adds what a controller asks of its cloud: `GET <prefix>/groups`, `PUT <prefix>/groups/<id>/size`, and
 * `GET <prefix>/offers`. It reaches the groups that its own says it controls, and no others.
 *
 * @param groupOf the group of the machine that has a token
 */
export function addGroups(
  parent: FastifyInstance,
  prefix: string,
  state: State,
  groups: GroupControl,
  groupOf: (token: string) => GroupSpec | undefined,
): void {
  parent.register(
    async (app) => {
      app.addHook("onRequest", async ({ params }, reply) => {
        const { token, id } = params as Params;
        const { controls } = groupOf(token) ?? {};
        if (!controls) return reply.code(403).send("only a controller may do this\n");
        if (id !== undefined && !controls.includes(id)) return reply.code(403).send("not its group\n");
      });
      app.get<{ Params: Params }>("/groups", ({ params }) =>
        (groupOf(params.token)?.controls ?? []).flatMap((id) => groups.state(id) ?? []),
      );
      app.put<{ Params: Params; Body: { size?: unknown } }>("/groups/:id/size", async (request, reply) => {
        const { size } = request.body ?? {};
        if (!Number.isInteger(size))
          return reply.code(400).send("the body must have a size, a whole number\n");
        groups.resize(request.params.id, size as number);
        return reply.code(204).send();
      });
      app.get("/offers", () => offersOf(state));
    },
    { prefix },
  );
}

function offersOf({ images, networks }: State): Record<"images" | "flavors" | "networks", Offer[]> {
  return {
    images: [
      { id: "host", name: "This machine's own programs" },
      ...Object.entries(images).flatMap(([id, { isSnapshot, release }]) =>
        isSnapshot ? [] : [{ id, name: id, release }],
      ),
    ],
    flavors: Object.entries(machineTypes).map(([id, { maxOldSpaceMb }]) => ({
      id,
      name: id,
      memoryMiB: maxOldSpaceMb,
    })),
    networks: Object.entries(networks).map(([id, { cidr }]) => ({ id, name: cidr, cidr })),
  };
}
