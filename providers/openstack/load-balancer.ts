import type { ComponentResourceOptions, CustomResourceOptions, Output, Resource } from "@pulumi/pulumi";
import {
  type Backend,
  LoadBalancer,
  type LoadBalancerArgs,
  partPrefix,
} from "../../components/load-balancer.ts";
import { httpsPort } from "../../config/https.ts";
import type { OpenstackCluster } from "./cluster.ts";
import { nameOf, type OpenstackContext, tagsOf } from "./context.ts";
import { letIn, makeFirewall } from "./firewalls.ts";
import type { OpenstackNetwork } from "./network.ts";
import * as openstack from "./resources.ts";
import { weightsOf } from "./weights.ts";

/** A pool, and the weight that each machine of a cluster has in it. */
export interface PoolShare {
  readonly pool: Output<string>;
  readonly weight: number;
}

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
  /** What begins the names of its parts. */
  readonly #prefix: string;
  /** Of each cluster, the pools that its machines are members of, and each one's weight there. */
  readonly #shares = new Map<string, PoolShare[]>();
  /** The part that the next one waits for. */
  #last: Resource;

  constructor(name: string, args: Args, context: OpenstackContext, opts?: ComponentResourceOptions) {
    super(name, args, opts);
    this.#context = context;
    const { network, certificate, port } = args;
    const parent = { parent: this };
    const ports = certificate === undefined ? [port] : [port, httpsPort];
    this.#prefix = partPrefix(args);
    const isApp = args.purpose === "app";
    const { id: groupId, rules: own } = isApp
      ? { id: network.edgeGroupId, rules: [] }
      : makeFirewall(args.purpose, context, parent);
    const rules = ports.flatMap((opened) =>
      [...new Set(args.allow)].map((from) =>
        letIn(isApp ? "edge" : args.purpose, groupId, opened, from, parent),
      ),
    );
    this.#loadBalancer = this.#balancer(name, args, groupId, [...network.reachability, ...own, ...rules]);
    this.balancerId = this.#loadBalancer.id;
    this.projectId = this.#loadBalancer.tenantId;
    this.#last = this.#loadBalancer;
    const everything = this.#poolOfAll(args);
    const pools = args.backends.flatMap((backend) =>
      backend.path === undefined
        ? []
        : [{ path: backend.path, name: backend.name, pool: this.#poolOf(backend, args) }],
    );
    const { serving, redirected } = this.#listeners(args, everything);
    let position = 1;
    for (const { name: cluster, path, pool } of pools) {
      this.#policy(cluster, serving, pool, position++, "EQUAL_TO", path);
      this.#policy(`${cluster}-below`, serving, pool, position++, "STARTS_WITH", `${path}/`);
    }
    // At last: until each path is served by HTTPS, it is by HTTP.
    if (redirected) this.#redirect(redirected, args);
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

  /** The pools of a cluster, for machines that join it. */
  sharesOf(cluster: string): readonly PoolShare[] {
    return this.#shares.get(cluster) ?? [];
  }

  #share(cluster: string, pool: openstack.Pool, weight: number): void {
    this.#shares.set(cluster, [...this.sharesOf(cluster), { pool: pool.id, weight }]);
  }

  #balancer(
    name: string,
    { network, purpose }: Args,
    groupId: Output<string>,
    dependsOn: Resource[],
  ): openstack.LoadBalancer {
    const given = purpose === "app" ? nameOf(this.#context, "loadBalancer") : undefined;
    const { loadBalancerProvider } = this.#context.cloud;
    return new openstack.LoadBalancer(
      name,
      {
        ...(given && { name: given }),
        ...(network.subnets[0] && { vipSubnetId: network.subnets[0].id }),
        // Its address would have the project's default group alone.
        securityGroupIds: [groupId],
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
    this.#share(backend.name, pool, 1);
    return pool;
  }

  /** What matches no path: Octavia cannot split it between pools, so all machines are in one, by weight. */
  #poolOfAll(args: Args): openstack.Pool {
    const pool = this.#pool(`${this.#prefix}all`, args);
    const weights = weightsOf(
      args.backends.map(({ weight, cluster }) => ({ weight, machines: cluster.size })),
    );
    for (const [place, backend] of args.backends.entries()) {
      // Of a cluster without machines, those that join it have a weight all the same.
      const weight = weights[place] || Math.min(1, backend.weight);
      if (weight === 0) continue;
      this.#members(pool, "all-", backend, weight);
      this.#share(backend.name, pool, weight);
    }
    return pool;
  }

  /** The listener that serves: HTTP, or HTTPS if there is a certificate, to whose root HTTP is then to redirect. */
  #listeners(
    args: Args,
    pool: openstack.Pool,
  ): { serving: openstack.Listener; redirected?: openstack.Listener } {
    const { port, certificate } = args;
    const listen = (name: string, protocolPort: number, settings: Partial<openstack.ListenerArgs>) =>
      this.#made(
        new openstack.Listener(
          `${this.#prefix}${name}`,
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
    if (certificate === undefined) return { serving: listen("http", port, serves) };
    const tls = { protocol: "TERMINATED_HTTPS", defaultTlsContainerRef: certificate };
    const serving = listen("https", httpsPort, { ...serves, ...tls });
    // Until it redirects, it serves.
    return { serving, redirected: listen("http", port, serves) };
  }

  #redirect({ id: listenerId }: openstack.Listener, { host = "" }: Args): void {
    const redirect = this.#made(
      new openstack.L7PolicyV2(
        `${this.#prefix}redirect`,
        { listenerId, action: "REDIRECT_TO_URL", redirectUrl: `https://${host}/`, position: 1 },
        this.#next(),
      ),
    );
    this.#rule(`${this.#prefix}redirect`, redirect, "STARTS_WITH", "/");
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
