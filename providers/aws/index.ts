import type { Cloud, Labels } from "../../components/cloud.ts";
import { AwsBucket } from "./bucket.ts";
import { AwsCluster } from "./cluster.ts";
import { openContext } from "./context.ts";
import { AwsLoadBalancer } from "./load-balancer.ts";
import { MachineRole } from "./machine-role.ts";
import { AwsNetwork } from "./network.ts";

export { rules } from "./config.ts";

/** Amazon Web Services: a VPC, S3, EC2 auto scaling and an application load balancer. */
export function createCloud(labels: Labels): Cloud<AwsNetwork, AwsBucket, AwsCluster> {
  const context = openContext(labels);
  let role: MachineRole | undefined;
  return {
    name: "aws",
    network: (name, args, opts) => new AwsNetwork(name, args, context, opts),
    bucket: (name, args, opts) => new AwsBucket(name, args, context, opts),
    cluster: (name, args, opts) => {
      role ??= new MachineRole("machines", args.bucket, context);
      return new AwsCluster(name, args, role, context, opts);
    },
    loadBalancer: (name, args, opts) => new AwsLoadBalancer(name, args, context, opts),
  };
}
