import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";
import { LoadBalancer, type LoadBalancerArgs, partPrefix } from "../../components/load-balancer.ts";
import { httpsPort } from "../../config/https.ts";
import type { AwsCluster } from "./cluster.ts";
import { type AwsContext, nameOf, tagsOf } from "./context.ts";
import { allowClients, type EdgeFirewall, makeEdgeFirewall } from "./firewalls.ts";
import type { Logs } from "./logs.ts";
import type { AwsNetwork } from "./network.ts";
import * as aws from "./resources.ts";
import { prioritiesOf } from "./rule-priorities.ts";

/** TLS 1.2 and 1.3, without ciphers of the past. */
const sslPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06";

type Args = LoadBalancerArgs<AwsNetwork, AwsCluster>;

/** An application load balancer on the internet: HTTP, or HTTPS to which HTTP is redirected. */
export class AwsLoadBalancer extends LoadBalancer {
  readonly url: Output<string>;
  readonly address: Output<string>;

  constructor(
    name: string,
    args: Args,
    context: AwsContext,
    logs: (account: Output<string>) => Logs,
    opts?: ComponentResourceOptions,
  ) {
    super(name, args, opts);
    const { network } = args;
    const log = args.accessLogs ? logs(network.vpc.ownerId) : undefined;
    const firewall = this.#firewall(name, args, context);
    allowClients(name, firewall.groupId, args, context, { parent: this });
    const balancer = this.#balancer(name, args, firewall, log, context);
    const listener = this.#listener(balancer, args, context);
    this.#rules(listener, args, context);
    this.address = balancer.dnsName;
    this.url = balancer.dnsName.apply((dnsName) => urlOf(args, dnsName));
    this.registerOutputs({ url: this.url });
  }

  /** Between it and its clients; one of its own for what the app's clients must not reach. */
  #firewall(name: string, { network, purpose }: Args, context: AwsContext): EdgeFirewall {
    if (purpose === "app") return { groupId: network.edgeGroupId, rules: [] };
    return makeEdgeFirewall(name, network, context, { parent: this });
  }

  /**
   * One whose name is given has it in its logical name, too: with another name it is another load balancer, which is
   * made before the old one goes. When it must be replaced and keep its name, the old one goes first.
   */
  #balancer(
    name: string,
    args: Args,
    { groupId, rules }: EdgeFirewall,
    logs: Logs | undefined,
    context: AwsContext,
  ): aws.LoadBalancer {
    const { network, protect, purpose } = args;
    const given = purpose === "app" ? nameOf(context, "loadBalancer") : undefined;
    return new aws.LoadBalancer(
      logicalName(name, given),
      {
        ...(given && { name: given }),
        loadBalancerType: "application",
        internal: false,
        subnets: [...network.edgeSubnetIds],
        securityGroups: [groupId],
        enableCrossZoneLoadBalancing: true,
        dropInvalidHeaderFields: true,
        enableDeletionProtection: protect,
        ...(logs && { accessLogs: { bucket: logs.bucketName, enabled: true } }),
        tags: tagsOf(context, `${partPrefix(args)}lb`),
      },
      {
        parent: this,
        protect,
        dependsOn: [...network.reachability, ...rules, ...(logs ? [logs.policy] : [])],
        // AWS would move it to the new network's subnets, and refuse.
        replaceWith: [network.vpc],
        ...(given && { deleteBeforeReplace: true }),
      },
    );
  }

  /** Each is named for its path, which may move from one cluster to another. */
  #rules(listener: aws.Listener, { backends }: Args, context: AwsContext): void {
    const priorities = prioritiesOf(backends.flatMap(({ path }) => path ?? []));
    for (const { name, path = "", cluster } of backends) {
      const priority = priorities.get(path);
      if (priority === undefined) continue;
      new aws.ListenerRule(
        path,
        {
          listenerArn: listener.arn,
          priority,
          conditions: [{ pathPattern: { values: [path, `${path}/*`] } }],
          actions: [{ type: "forward", targetGroupArn: cluster.targetGroupArn }],
          tags: tagsOf(context, name),
        },
        { parent: this },
      );
    }
  }

  /** The listener that forwards: HTTP, or HTTPS if there is a certificate, to which HTTP then redirects. */
  #listener({ arn }: aws.LoadBalancer, args: Args, context: AwsContext): aws.Listener {
    const { port, certificate } = args;
    const prefix = partPrefix(args);
    const defaultActions = [splitByWeight(args)];
    const http = { loadBalancerArn: arn, port, protocol: "HTTP", tags: tagsOf(context, `${prefix}http`) };
    if (certificate === undefined) {
      return new aws.Listener(`${prefix}http`, { ...http, defaultActions }, { parent: this });
    }
    const https = { port: httpsPort, protocol: "HTTPS", sslPolicy, certificateArn: certificate };
    const tags = tagsOf(context, `${prefix}https`);
    const listener = new aws.Listener(
      `${prefix}https`,
      { loadBalancerArn: arn, ...https, defaultActions, tags },
      { parent: this },
    );
    const redirect = { protocol: "HTTPS", port: String(httpsPort), statusCode: "HTTP_301" };
    new aws.Listener(
      `${prefix}http`,
      { ...http, defaultActions: [{ type: "redirect", redirect }] },
      // Nobody is sent where nobody answers yet.
      { parent: this, dependsOn: listener },
    );
    return listener;
  }
}

/** What a resource is called in the program, when it has a name of its own on AWS. */
export function logicalName(name: string, given: string | undefined): string {
  return given === undefined ? name : `${name}-${given}`;
}

function splitByWeight({ backends }: Args) {
  const targetGroups = backends
    .filter(({ weight }) => weight > 0)
    .map(({ cluster, weight }) => ({ arn: cluster.targetGroupArn, weight }));
  if (targetGroups.length > 0) return { type: "forward", forward: { targetGroups } };
  const fixedResponse = { contentType: "text/plain", statusCode: "404", messageBody: "Not found" };
  return { type: "fixed-response", fixedResponse };
}

function urlOf({ certificate, host, port }: Args, dnsName: string): string {
  if (certificate !== undefined) return `https://${host ?? dnsName}`;
  return port === 80 ? `http://${dnsName}` : `http://${dnsName}:${port}`;
}
