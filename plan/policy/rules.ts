import type { PolicyLevel, PolicyRule } from "../../config/settings.ts";

/** A promise of this system's, on every cloud. */
export interface Rule {
  readonly promise: string;
  /** What to do where it is broken, unless the cloud has better words. */
  readonly remedy: string;
  /** Unless the configuration has another. */
  readonly level: PolicyLevel;
}

export const rules: Readonly<Record<PolicyRule, Rule>> = {
  "bucket-private": {
    promise: "Nobody reads or writes a bucket without rights of their own.",
    remedy: "close it, and give those who need it a role, or links that expire",
    level: "mandatory",
  },
  "data-encrypted": {
    promise: "Buckets and disks are encrypted.",
    remedy: "encrypt it; keys of the cloud's own cost nothing",
    level: "mandatory",
  },
  "bucket-versioned": {
    promise: "What is overwritten or deleted in a bucket can be recovered for a while.",
    remedy: "switch versioning on",
    level: "mandatory",
  },
  "data-protected": {
    promise: "What holds data is not deleted by a deployment, nor its content with it.",
    remedy: "protect it (the program's bucket: switchyard:bucket.protect true, empty false)",
    level: "mandatory",
  },
  "open-as-configured": {
    promise: "Nothing is open to the internet that loadBalancer, access and controller do not open.",
    remedy: "name the range there, or remove what opens it",
    level: "mandatory",
  },
  "metadata-guarded": {
    promise: "What a machine is tricked into fetching does not get the machine's own credentials.",
    remedy: "require tokens of the metadata service",
    level: "mandatory",
  },
  tagged: {
    promise: "Whatever can have tags says which project it belongs to.",
    remedy: "give it the tags of everything else",
    level: "advisory",
  },
  "rights-narrow": {
    promise: "No right is for everything, unless a reason is written down.",
    remedy: "name the actions and the resources",
    level: "mandatory",
  },
  "user-data-plain": {
    promise: "No secret stands in user data, which every process of a machine may read.",
    remedy: "keep it in a store of secrets that the machine reads as itself",
    level: "mandatory",
  },
  "health-checked": {
    promise:
      "Whatever gets requests is asked whether it is healthy, and replaced or passed over when it is not.",
    remedy: "give it a health check",
    level: "mandatory",
  },
};
