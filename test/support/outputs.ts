import type { DeployedStack, StackOutputs } from "../../operations/outputs.ts";

/** A stack with these outputs, and others as they might be. */
export function deployedStack(stack: string, outputs: Partial<StackOutputs> = {}): DeployedStack {
  const others = {
    cloud: "local",
    url: "http://127.0.0.1:8080",
    address: "127.0.0.1",
    bucketName: "files-1",
  };
  const release = "a".repeat(64);
  return {
    stack,
    outputs: { ...others, release, clusters: {}, operator: {}, adminToken: "[secret]", ...outputs },
  };
}
