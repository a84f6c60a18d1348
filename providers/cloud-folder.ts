import type { Cloud } from "../components/cloud.ts";
import type { NewStack } from "../config/new-stack.ts";
import type { CloudRules, Settings } from "../config/settings.ts";
import type { ClonesModule } from "../operations/clones.ts";
import type { FilesModule } from "../operations/files.ts";
import type { ImagesModule } from "../operations/images.ts";
import type { LeftoversModule } from "../operations/leftovers.ts";
import type { MachinesModule } from "../operations/machines.ts";
import type { MonitoringModule } from "../operations/monitoring/prometheus.ts";
import type { CloudEdits } from "../plan/compare/cloud-edits.ts";
import type { FindOpenings } from "../plan/openings.ts";
import type { CloudPolicy } from "../plan/policy/policy.ts";
import type { ResourceKind } from "../plugin/resource.ts";

/**
 * What each folder `providers/<cloud>/` exports from its index.ts, as `cloud`. Each part is loaded when it is needed:
 * reading a configuration loads no SDK, and listing machines no component.
 */
export interface CloudFolder {
  /** Defaults, and what the cloud cannot do. */
  rules(): Promise<CloudRules>;
  /** How the program deploys to it. */
  program(): Promise<{ createCloud(settings: Settings): Cloud }>;
  /** What `npm run new` asks of whoever begins with it. */
  newStack(): Promise<NewStack>;
  /** Resource types of its own, by token: `switchyard:<cloud>:Thing`. Absent: none. */
  kinds?(): Promise<Readonly<Record<string, ResourceKind>>>;
  /** What a resource of its types lets in; nothing for most. */
  openings(): Promise<FindOpenings>;
  /** What edits of a deployed stack do to its resources. */
  edits(): Promise<CloudEdits>;
  /** What this system's rules mean of its resources. */
  policy(): Promise<CloudPolicy>;
  /** Its machines, for who operates a deployed stack. */
  machines(): Promise<MachinesModule>;
  /** How Prometheus finds them. */
  monitoring(): Promise<MonitoringModule>;
  /** Clones of its machines, for the same. */
  clones(): Promise<ClonesModule>;
  /** Images of its machines, for the same. */
  images(): Promise<ImagesModule>;
  /** Its bucket, for the same. */
  files(): Promise<FilesModule>;
  /** What a killed deployment may leave there. Absent: nothing that would be in the way. */
  leftovers?(): Promise<LeftoversModule>;
}
