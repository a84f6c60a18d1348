import type { ComponentResourceOptions, CustomResourceOptions, Output, Resource } from "@pulumi/pulumi";
import { type Backend, LoadBalancer, type LoadBalancerArgs } from "../../components/load-balancer.ts";
import { httpsPort } from "../../config/https.ts";
import type { OpenstackCluster } from "./cluster.ts";
import { nameOf, type OpenstackContext, tagsOf } from "./context.ts";
import { letIn } from "./firewalls.ts";
import type { OpenstackNetwork } from "./network.ts";
import * as openstack from "./resources.ts";
import { weightsOf } from "./weights.ts";

/** How long Octavia may take for one part, while which nothing else of the load balancer can be changed. */
const customTimeouts = { create: "20m", update: "20m", delete: "20m" };

/** What its listeners tell machines of a request: who sent it, and by which protocol. */
const insertHeaders = { "X-Forwarded-For": "true", "X-Forwarded-Proto": "true" };

type Args = LoadBalancerArgs<OpenstackNetwork, OpenstackCluster>;

/**
 * An Octavia load balancer with a floating IP of its own. Its parts are made one after the other, because while one is
 * made Octavia refuses all others; so L7 policies get the positions that they ask for, too.
 */
export class OpenstackLoadBalancer extends LoadBalancer {
  readonly url: Output<string>;
  readonly address: Output<string>;
  readonly balancerId: Output<string>;
  /** The project that it is in, and so all of the stack. */
  readonly projectId: Output<string>;
  readonly #context: OpenstackContext;
  readonly #loadBalancer: openstack.LoadBalancer;
  /** The part that the next one waits for. */
  #last: Resource;

  constructor(name: string, args: Args, context: OpenstackContext, opts?: ComponentResourceOptions) {
    super(name, args, opts);
    this.#context = context;
    const { network, certificate, port } = args;
    const parent = { parent: this };
    const ports = certificate === undefined ? [port] : [port, httpsPort];
    const rules = ports.flatMap((opened) =>
      [...new Set(args.allow)].map((from) => letIn("edge", network.edgeGroupId, opened, from, parent)),
    );
    this.#loadBalancer = this.#balancer(name, network, [...network.reachability, ...rules]);
    this.balancerId = this.#loadBalancer.id;
    this.projectId = this.#loadBalancer.tenantId;
    this.#last = this.#loadBalancer;
    const everything = this.#poolOfAll(args);
    const pools = args.backends.flatMap((backend) =>
      backend.path === undefined
        ? []
        : [{ path: backend.path, name: backend.name, pool: this.#poolOf(backend, args) }],
    );
    const listener = this.#listeners(args, everything);
    let position = 1;
    for (const { name: cluster, path, pool } of pools) {
      this.#policy(cluster, listener, pool, position++, "EQUAL_TO", path);
      this.#policy(`${cluster}-below`, listener, pool, position++, "STARTS_WITH", `${path}/`);
    }
    const floating = new openstack.FloatingIp(
      name,
      {
        pool: context.cloud.externalNetwork.name,
        portId: this.#loadBalancer.vipPortId,
        tags: tagsOf(context),
      },
      // Neutron gives none to a port that no router leads to, and takes the router's interface away only after it.
      { ...parent, dependsOn: [...network.reachability] },
    );
    this.address = floating.address;
    this.url = floating.address.apply((ip) => urlOf(args, ip));
    for (const { cluster, path } of args.backends) {
      const { url, address } = this;
      const front = { url, address, healthPath: args.healthCheck.path, path, parts: [this.#last, floating] };
      cluster.makeBehind(front, parent);
    }
    this.registerOutputs({ url: this.url });
  }

  #balancer(name: string, network: OpenstackNetwork, dependsOn: Resource[]): openstack.LoadBalancer {
    const given = nameOf(this.#context, "loadBalancer");
    const { loadBalancerProvider } = this.#context.cloud;
    return new openstack.LoadBalancer(
      name,
      {
        ...(given && { name: given }),
        ...(network.subnets[0] && { vipSubnetId: network.subnets[0].id }),
        // Its address would have the project's default group alone.
        securityGroupIds: [network.edgeGroupId],
        ...(loadBalancerProvider && { loadbalancerProvider: loadBalancerProvider }),
        tags: tagsOf(this.#context),
      },
      // When its name or tags change, Octavia puts its own group in the place of this one, which lets in whom listeners
      // do; the next preview would find that changed.
      { parent: this, dependsOn, customTimeouts, ignoreChanges: ["securityGroupIds"] },
    );
  }

  /** Options of a part that waits for the one before it. */
  #next(more: CustomResourceOptions = {}): CustomResourceOptions {
    return { parent: this, dependsOn: this.#last, customTimeouts, ...more };
  }

  #made<R extends Resource>(part: R): R {
    this.#last = part;
    return part;
  }

  #pool(name: string, args: Args): openstack.Pool {
    const pool = this.#made(
      new openstack.Pool(
        name,
        { loadbalancerId: this.#loadBalancer.id, protocol: "HTTP", lbMethod: "ROUND_ROBIN" },
        this.#next(),
      ),
    );
    const { path, intervalSeconds, timeoutSeconds, healthyThreshold, unhealthyThreshold } = args.healthCheck;
    this.#made(
      new openstack.Monitor(
        name,
        {
          poolId: pool.id,
          type: "HTTP",
          httpMethod: "GET",
          urlPath: path,
          expectedCodes: "200",
          delay: intervalSeconds,
          timeout: timeoutSeconds,
          maxRetries: healthyThreshold,
          maxRetriesDown: unhealthyThreshold,
        },
        // A pool has one.
        this.#next({ deleteBeforeReplace: true }),
      ),
    );
    return pool;
  }

  /** Members one by one: a batch of them would throw out whatever joins later. */
  #members(
    pool: openstack.Pool,
    prefix: string,
    { cluster }: Backend<OpenstackCluster>,
    weight: number,
  ): void {
    for (const { name, address, subnetId, instance } of cluster.machines) {
      this.#made(
        new openstack.Member(
          `${prefix}${name}`,
          { poolId: pool.id, address, protocolPort: cluster.port, subnetId, weight },
          this.#next({
            dependsOn: instance ? [this.#last, instance] : this.#last,
            deleteBeforeReplace: true,
          }),
        ),
      );
    }
  }

  #poolOf(backend: Backend<OpenstackCluster>, args: Args): openstack.Pool {
    const pool = this.#pool(backend.name, args);
    this.#members(pool, "", backend, 1);
    return pool;
  }

  /** What matches no path: Octavia cannot split it between pools, so all machines are in one, by weight. */
  #poolOfAll(args: Args): openstack.Pool {
    const pool = this.#pool("all", args);
    const weights = weightsOf(
      args.backends.map(({ weight, cluster }) => ({ weight, machines: cluster.size })),
    );
    for (const [place, backend] of args.backends.entries()) {
      const weight = weights[place] ?? 0;
      if (weight > 0) this.#members(pool, "all-", backend, weight);
    }
    return pool;
  }

  /** The listener that serves: HTTP, or HTTPS if there is a certificate, to whose root HTTP then redirects. */
  #listeners(args: Args, pool: openstack.Pool): openstack.Listener {
    const { port, certificate, host = "" } = args;
    const listen = (name: string, protocolPort: number, settings: Partial<openstack.ListenerArgs>) =>
      this.#made(
        new openstack.Listener(
          name,
          {
            loadbalancerId: this.#loadBalancer.id,
            protocol: "HTTP",
            protocolPort,
            allowedCidrs: [...new Set(args.allow)],
            insertHeaders,
            tags: tagsOf(this.#context),
            ...settings,
          },
          this.#next(),
        ),
      );
    const serves = { defaultPoolId: pool.id };
    if (certificate === undefined) return listen("http", port, serves);
    const tls = { protocol: "TERMINATED_HTTPS", defaultTlsContainerRef: certificate };
    const https = listen("https", httpsPort, { ...serves, ...tls });
    // Until it redirects, it serves.
    const http = listen("http", port, serves);
    const redirect = this.#made(
      new openstack.L7PolicyV2(
        "redirect",
        { listenerId: http.id, action: "REDIRECT_TO_URL", redirectUrl: `https://${host}/`, position: 1 },
        this.#next(),
      ),
    );
    this.#rule("redirect", redirect, "STARTS_WITH", "/");
    return https;
  }

  /** Rules of one policy must all match, so each way to match a path is a policy of its own. */
  #policy(
    name: string,
    listener: openstack.Listener,
    pool: openstack.Pool,
    position: number,
    compareType: "EQUAL_TO" | "STARTS_WITH",
    value: string,
  ): void {
    const policy = this.#made(
      new openstack.L7PolicyV2(
        name,
        { listenerId: listener.id, action: "REDIRECT_TO_POOL", redirectPoolId: pool.id, position },
        this.#next(),
      ),
    );
    this.#rule(name, policy, compareType, value);
  }

  #rule(name: string, policy: openstack.L7PolicyV2, compareType: string, value: string): void {
    const settings = { l7policyId: policy.id, type: "PATH", compareType, value };
    this.#made(new openstack.L7RuleV2(name, settings, this.#next()));
  }
}

function urlOf({ certificate, host, port }: Args, address: string): string {
  if (certificate !== undefined) return `https://${host ?? address}`;
  return port === 80 ? `http://${address}` : `http://${address}:${port}`;
}
