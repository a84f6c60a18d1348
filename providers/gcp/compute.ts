import { ComputeApi } from "../../service/compute/gcp-api.ts";

/** Compute Engine of a project, by its id, for whoever operates a stack there. Where it is, gcloud's variable of that may say otherwise. */
export function openCompute(project: string): ComputeApi {
  return new ComputeApi(project, { root: process.env.CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE || undefined });
}
