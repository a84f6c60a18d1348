import { looking, mustBePlain, mustHave } from "../../plan/policy/checks.ts";
import type { CloudPolicy } from "../../plan/policy/policy.ts";

const group = "switchyard:local:MachineGroup";

/** What the rules mean on this machine. */
export const policy: CloudPolicy = {
  checks: {
    "bucket-private": "Its bucket is a folder of the user's own, and has no other way in than the app.",
    "data-encrypted": "Its data is as encrypted as the disk of this machine.",
    "bucket-versioned": "Its bucket keeps no versions.",
    "metadata-guarded": "It has no metadata service: each machine fetches by a URL that nobody else knows.",
    tagged: "Nothing of it can have tags.",
    "rights-narrow": "It grants no rights.",
    "user-data-plain": { one: looking({ [group]: (inputs) => mustBePlain(inputs, "startupScript") }) },
    "health-checked": {
      one: looking({
        [group]: (inputs) => mustHave(inputs, "healthCheck.path", "give it the path of a health check"),
        "switchyard:local:LoadBalancer": (inputs) =>
          mustHave(inputs, "healthCheck.path", "give it the path of a health check"),
      }),
    },
  },
  exceptions: [],
};
