import * as pulumi from "@pulumi/pulumi";
import type { ClusterArgs } from "../../components/cluster.ts";
import type { OpenstackContext } from "./context.ts";
import { type CreatedFlavor, createdFlavors, flavorOf } from "./machine-types.ts";
import { Flavor } from "./resources.ts";

/**
 * The flavors that machines are made by: the cloud's own, or *standard* and *large*, which the program makes where
 * `flavors: create` asks it to. Making one needs an administrator's rights nearly everywhere.
 */
export class Flavors {
  readonly #context: OpenstackContext;
  readonly #created = new Map<CreatedFlavor, Flavor>();

  constructor(context: OpenstackContext) {
    this.#context = context;
    if (context.cloud.flavors === "create") {
      for (const [flavor, spec] of Object.entries(createdFlavors)) {
        const made = new Flavor(
          flavor,
          { name: `${context.project}-${flavor}`, ...spec, isPublic: true },
          // There is one of a name, and machines keep what they are made by.
          { deleteBeforeReplace: true },
        );
        this.#created.set(flavor as CreatedFlavor, made);
      }
    }
  }

  /** The name of a cluster's flavor. */
  nameFor(cluster: Pick<ClusterArgs, "size" | "machineType">): pulumi.Output<string> {
    const flavor = flavorOf(cluster, this.#context.cloud);
    if ("given" in flavor) return pulumi.output(flavor.given);
    const made = this.#created.get(flavor.created);
    if (!made) throw new Error(`the flavor ${flavor.created} is not made`);
    return made.name;
  }
}
