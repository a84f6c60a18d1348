import type { Output } from "@pulumi/pulumi";
import { Clones } from "../../components/clones.ts";
import type { Cloud } from "../../components/cloud.ts";
import type { Settings } from "../../config/settings.ts";
import { AwsBucket } from "./bucket.ts";
import { AwsBudget } from "./budget.ts";
import { AwsCluster } from "./cluster.ts";
import { nameOf, openContext } from "./context.ts";
import { AwsLoadBalancer } from "./load-balancer.ts";
import { Logs } from "./logs.ts";
import { controllerPolicy, MachineRole, machinePolicy } from "./machine-role.ts";
import { AwsNetwork } from "./network.ts";
import { operatorOf } from "./outputs.ts";
import { Layout } from "./resources.ts";

/** Amazon Web Services: a VPC, S3, EC2 auto scaling and an application load balancer. */
export function createCloud(settings: Settings): Cloud<AwsNetwork, AwsBucket, AwsCluster> {
  const context = openContext(settings);
  let role: MachineRole | undefined;
  let logs: Logs | undefined;
  let vpc: Output<string> | undefined;
  const openLogs = (account: Output<string>) => {
    logs ??= new Logs("logs", account, context);
    return logs;
  };
  return {
    get operator() {
      return { ...operatorOf(context), ...(vpc && { network: vpc }) };
    },
    network: (name, args, opts) => {
      const { protect } = settings.bucket;
      const { cidr, subnets, app } = args;
      const known = { cidr, subnets: subnets.map(({ cidr, zone }) => ({ cidr, zone })), appPort: app.port };
      const bucket = nameOf(context, "bucket");
      new Layout("layout", { ...known, protect, ...(bucket && { bucket }) });
      const network = new AwsNetwork(name, args, context, openLogs, opts);
      vpc = network.vpc.id;
      new Clones("aws", { network: vpc, ...operatorOf(context) }, { dependsOn: network });
      return network;
    },
    bucket: (name, args, opts) => new AwsBucket(name, args, context, opts),
    budget: (name, args, opts) => new AwsBudget(name, args, context, opts),
    cluster: (name, args, opts) => {
      const { bucket, controls } = args;
      if (controls) {
        const own = new MachineRole(name, controllerPolicy(bucket, controls, context), undefined, context);
        return new AwsCluster(name, args, own, context, opts);
      }
      role ??= new MachineRole("machines", machinePolicy(bucket), nameOf(context, "machineRole"), context);
      return new AwsCluster(name, args, role, context, opts);
    },
    loadBalancer: (name, args, opts) => new AwsLoadBalancer(name, args, context, openLogs, opts),
  };
}
