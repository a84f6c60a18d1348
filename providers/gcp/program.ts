import type { Output } from "@pulumi/pulumi";
import { Clones } from "../../components/clones.ts";
import type { Cloud } from "../../components/cloud.ts";
import type { Settings } from "../../config/settings.ts";
import { enableApis } from "./apis.ts";
import { GcpBucket } from "./bucket.ts";
import { GcpBudget } from "./budget.ts";
import { GcpCluster } from "./cluster.ts";
import { nameOf, openContext } from "./context.ts";
import { GcpLoadBalancer } from "./load-balancer.ts";
import { MachineAccount } from "./machine-account.ts";
import { GcpNetwork } from "./network.ts";
import { Layout } from "./resources.ts";

/** Google Cloud: a VPC, Cloud Storage, managed instance groups and a global application load balancer. */
export function createCloud(settings: Settings): Cloud<GcpNetwork, GcpBucket, GcpCluster> {
  const context = openContext(settings, enableApis());
  const { gcpProject, region } = context;
  let account: MachineAccount | undefined;
  let networkName: Output<string> | undefined;
  return {
    get operator() {
      return { project: gcpProject, region, ...(networkName && { network: networkName }) };
    },
    network: (name, args, opts) => {
      const { protect } = settings.bucket;
      const subnets = args.subnets.map(({ cidr }) => ({ cidr }));
      const bucket = nameOf(context, "bucket");
      const place = { project: gcpProject, region, subnets };
      new Layout("layout", { ...place, appPort: args.app.port, protect, ...(bucket && { bucket }) });
      const network = new GcpNetwork(name, args, context, opts);
      networkName = network.networkName;
      new Clones("gcp", { network: networkName, project: gcpProject }, { dependsOn: network });
      return network;
    },
    bucket: (name, args, opts) => new GcpBucket(name, args, context, opts),
    budget: (name, args, opts) => new GcpBudget(name, args, context, opts),
    cluster: (name, args, opts) => {
      if (args.controls) {
        const own = new MachineAccount(name, args.bucket, "controller", context);
        return new GcpCluster(name, args, own, context, opts);
      }
      account ??= new MachineAccount("machines", args.bucket, "machines", context);
      return new GcpCluster(name, args, account, context, opts);
    },
    loadBalancer: (name, args, opts) => new GcpLoadBalancer(name, args, context, opts),
  };
}
