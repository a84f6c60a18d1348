import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";
import { LoadBalancer, type LoadBalancerArgs } from "../../components/load-balancer.ts";
import type { AwsCluster } from "./cluster.ts";
import { httpsPort } from "./config.ts";
import { type AwsContext, nameOf, replacementOf, tagsOf } from "./context.ts";
import type { AwsNetwork } from "./network.ts";
import * as aws from "./resources.ts";

/** TLS 1.2 and 1.3, without ciphers of the past. */
const sslPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06";

/** Between the priorities of two rules, so that one can be put between them by hand. */
const priorityStep = 10;

type Args = LoadBalancerArgs<AwsNetwork, AwsCluster>;

/** An application load balancer on the internet: HTTP, or HTTPS to which HTTP is redirected. */
export class AwsLoadBalancer extends LoadBalancer {
  readonly url: Output<string>;
  readonly address: Output<string>;

  constructor(name: string, args: Args, context: AwsContext, opts?: ComponentResourceOptions) {
    super(name, args, opts);
    const { network, backends } = args;
    const given = nameOf(context, "loadBalancer");
    const balancer = new aws.LoadBalancer(
      name,
      {
        ...(given && { name: given }),
        loadBalancerType: "application",
        internal: false,
        subnets: [...network.edgeSubnetIds],
        securityGroups: [network.edgeGroupId],
        enableCrossZoneLoadBalancing: true,
        dropInvalidHeaderFields: true,
        tags: tagsOf(context, "lb"),
      },
      { parent: this, dependsOn: [...network.ways], ...replacementOf(context, "loadBalancer") },
    );
    const listener = this.#listener(balancer, args, context);
    for (const [index, { name, path, cluster }] of backends
      .filter(({ path }) => path !== undefined)
      .entries()) {
      new aws.ListenerRule(
        name,
        {
          listenerArn: listener.arn,
          priority: (index + 1) * priorityStep,
          conditions: [{ pathPattern: { values: [`${path}`, `${path}/*`] } }],
          actions: [{ type: "forward", targetGroupArn: cluster.targetGroupArn }],
          tags: tagsOf(context, name),
        },
        { parent: this },
      );
    }
    this.address = balancer.dnsName;
    this.url = balancer.dnsName.apply((dnsName) => urlOf(args, dnsName));
    this.registerOutputs({ url: this.url });
  }

  /** The listener that forwards: HTTP, or HTTPS if there is a certificate, to which HTTP then redirects. */
  #listener({ arn }: aws.LoadBalancer, args: Args, context: AwsContext): aws.Listener {
    const { port, certificate } = args;
    const defaultActions = [splitByWeight(args)];
    const http = { loadBalancerArn: arn, port, protocol: "HTTP", tags: tagsOf(context, "http") };
    if (certificate === undefined) {
      return new aws.Listener("http", { ...http, defaultActions }, { parent: this });
    }
    const https = { port: httpsPort, protocol: "HTTPS", sslPolicy, certificateArn: certificate };
    const tags = tagsOf(context, "https");
    const listener = new aws.Listener(
      "https",
      { loadBalancerArn: arn, ...https, defaultActions, tags },
      { parent: this },
    );
    const redirect = { protocol: "HTTPS", port: String(httpsPort), statusCode: "HTTP_301" };
    new aws.Listener(
      "http",
      { ...http, defaultActions: [{ type: "redirect", redirect }] },
      // Nobody is sent where nobody answers yet.
      { parent: this, dependsOn: listener },
    );
    return listener;
  }
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
