import type { ComponentResourceOptions, Input, Output } from "@pulumi/pulumi";
import {
  type Backend,
  LoadBalancer,
  type LoadBalancerArgs,
  partPrefix,
} from "../../components/load-balancer.ts";
import { httpsPort } from "../../config/https.ts";
import { type GcpCluster, portName } from "./cluster.ts";
import { type GcpContext, labelsOf, logicalName, nameOf } from "./context.ts";
import type { GcpNetwork } from "./network.ts";
import * as gcp from "./resources.ts";
import { securityPolicyRules } from "./security-policy.ts";

/** Both on backend services and on forwarding rules: the global load balancer that knows weights and route rules. */
const loadBalancingScheme = "EXTERNAL_MANAGED";

/** How long a request may take with its answer, in seconds: a day, so that large uploads pass; the app itself gives up those that stand still. */
const requestSeconds = 86_400;

/** The load balancer's share of a machine's processor that it takes for busy. */
const maxUtilization = 0.8;

type Args = LoadBalancerArgs<GcpNetwork, GcpCluster>;
type Service = { readonly backend: Backend<GcpCluster>; readonly id: Output<string> };

/** A global external application load balancer: HTTP, or HTTPS to which HTTP is redirected. */
export class GcpLoadBalancer extends LoadBalancer {
  readonly url: Output<string>;
  readonly address: Output<string>;
  readonly #context: GcpContext;

  constructor(name: string, args: Args, context: GcpContext, opts?: ComponentResourceOptions) {
    super(name, args, opts);
    this.#context = context;
    const { compute } = context.apis;
    const address = new gcp.GlobalAddress(
      name,
      { labels: labelsOf(context) },
      { parent: this, dependsOn: compute },
    );
    const routes = this.#routes(name, args, this.#services(name, args));
    this.#listeners(address, routes, args);
    this.address = address.address;
    this.url = address.address.apply((ip) => urlOf(args, ip));
    this.registerOutputs({ url: this.url });
  }

  /** Each cluster's machines, the healthy ones of them, and who may reach them. */
  #services(name: string, { backends, allow, accessLogs }: Args): Service[] {
    const rules = securityPolicyRules(allow);
    const policy =
      rules &&
      new gcp.SecurityPolicy(name, { rules }, { parent: this, dependsOn: this.#context.apis.compute });
    return backends.map((backend) => {
      const { cluster, joined = [] } = backend;
      const service = new gcp.BackendService(
        backend.name,
        {
          loadBalancingScheme,
          protocol: "HTTP",
          portName,
          backends: [cluster, ...joined].map(({ instanceGroup }) => ({
            group: instanceGroup,
            balancingMode: "UTILIZATION",
            maxUtilization,
            capacityScaler: 1,
          })),
          healthChecks: cluster.healthCheckId,
          timeoutSec: requestSeconds,
          connectionDrainingTimeoutSec: cluster.drainSeconds,
          localityLbPolicy: "ROUND_ROBIN",
          ...(policy && { securityPolicy: policy.id }),
          logConfig: { enable: accessLogs, ...(accessLogs && { sampleRate: 1 }) },
        },
        { parent: this },
      );
      return { backend, id: service.id };
    });
  }

  /** Paths in configured order, then a split by weight. */
  #routes(name: string, { purpose }: Args, services: readonly Service[]): gcp.URLMap {
    const given = purpose === "app" ? nameOf(this.#context, "loadBalancer") : undefined;
    const others = whatMatchesNothing(services);
    const rules = services.filter(({ backend }) => backend.path !== undefined);
    const routeRules = rules.map(({ backend: { path = "" }, id }, place) => ({
      priority: place + 1,
      matchRules: [{ fullPathMatch: path }, { prefixMatch: `${path}/` }],
      service: id,
    }));
    const matcher = "paths";
    return new gcp.URLMap(
      logicalName(name, given),
      {
        ...(given && { name: given }),
        ...others,
        ...(routeRules.length > 0 && {
          hostRules: [{ hosts: ["*"], pathMatcher: matcher }],
          pathMatchers: [{ name: matcher, ...others, routeRules }],
        }),
      },
      { parent: this },
    );
  }

  /** One address: HTTP, or HTTPS if there is a certificate, to which HTTP then redirects. */
  #listeners(address: gcp.GlobalAddress, routes: gcp.URLMap, args: Args): void {
    const { port, certificate } = args;
    const [http, secure] = ["http", "https"].map((part) => partPrefix(args) + part) as [string, string];
    const parent = { parent: this };
    const listen = (name: string, portNumber: number, target: Input<string>) =>
      new gcp.GlobalForwardingRule(
        `${name}-${portNumber}`,
        {
          ipAddress: address.id,
          ipProtocol: "TCP",
          portRange: String(portNumber),
          target,
          loadBalancingScheme,
          labels: labelsOf(this.#context),
        },
        parent,
      );
    if (certificate === undefined) {
      const proxy = new gcp.TargetHttpProxy(http, { urlMap: routes.id }, parent);
      listen(http, port, proxy.id);
      return;
    }
    const sslPolicy = new gcp.SSLPolicy(
      secure,
      { profile: "MODERN", minTlsVersion: "TLS_1_2" },
      { ...parent, dependsOn: this.#context.apis.compute },
    );
    const proxy = new gcp.TargetHttpsProxy(
      // One that has certificates can be given others, but no map in their place.
      isMap(certificate) ? `${secure}-map` : secure,
      { urlMap: routes.id, sslPolicy: sslPolicy.id, ...servedWith(certificate) },
      parent,
    );
    const https = listen(secure, httpsPort, proxy.id);
    const redirect = new gcp.URLMap(
      `${partPrefix(args)}redirect`,
      {
        defaultUrlRedirect: {
          httpsRedirect: true,
          redirectResponseCode: "MOVED_PERMANENTLY_DEFAULT",
          stripQuery: false,
        },
      },
      // Nobody is sent where nobody answers yet.
      { ...parent, dependsOn: https },
    );
    listen(http, port, new gcp.TargetHttpProxy(http, { urlMap: redirect.id }, parent).id);
  }
}

/** A split by weight; if all weights are 0, an answer of the load balancer's own, for which a service must be named besides. */
function whatMatchesNothing(services: readonly Service[]) {
  const weighted = services.filter(({ backend }) => backend.weight > 0);
  if (weighted.length > 0) {
    const weightedBackendServices = weighted.map(({ backend, id }) => ({
      backendService: id,
      weight: backend.weight,
    }));
    return { defaultRouteAction: { weightedBackendServices } };
  }
  const abort = { httpStatus: 404, percentage: 100 };
  const [first] = services;
  return {
    ...(first && { defaultService: first.id }),
    defaultRouteAction: { faultInjectionPolicy: { abort } },
  };
}

const isMap = (certificate: string) => certificate.includes("/certificateMaps/");

function servedWith(certificate: string) {
  return isMap(certificate)
    ? { certificateMap: `//certificatemanager.googleapis.com/${certificate}` }
    : { sslCertificates: [certificate] };
}

function urlOf({ certificate, host, port }: Args, address: string): string {
  if (certificate !== undefined) return `https://${host ?? address}`;
  return port === 80 ? `http://${address}` : `http://${address}:${port}`;
}
