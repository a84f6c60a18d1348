import * as v from "valibot";
import { maxLeadMinutes, maxMinutes } from "../service/schedules/schedule.ts";
import { rootAnswers } from "../service/settings/environment.ts";
import { type Limits, mapLimits } from "../service/settings/limits.ts";
import {
  flavorModes,
  natModes,
  openstackStores,
  policyLevels,
  policyRules,
  sizes,
  tempUrlModes,
} from "./settings.ts";
import {
  addresses,
  boolean,
  clusterPath,
  currency,
  day,
  emailAddress,
  hostName,
  instant,
  integer,
  key,
  list,
  money,
  networkCidr,
  object,
  oneOf,
  peakName,
  physicalName,
  port,
  releaseId,
  requestPath,
  shortName,
  sshKey,
  strings,
  tagKey,
  tagValue,
  variableName,
  variableValue,
  word,
} from "./values.ts";

const network = object({
  cidr: key("The whole range of addresses.", networkCidr),
  subnets: key(
    "Where machines are placed; within `cidr`, and apart from each other. Each must have room for the most machines that its clusters have at once, which is while they are rolled, and for the addresses that the cloud itself needs.",
    list(
      object({
        cidr: key("The subnet's range of addresses.", networkCidr),
        zone: key("The cloud's own name of a zone.", v.optional(word), {
          default: "none; some clouds need one",
        }),
        private: key(
          "Whether its machines have no public addresses. The load balancer stands in the others.",
          v.optional(boolean, false),
        ),
      }),
      "give at least one subnet",
    ),
  ),
  nat: key(
    "How machines of private subnets reach the internet: not at all (the object store they always reach), by one gateway, or by one in each of their zones. Gateways cost by the hour.",
    v.optional(oneOf(natModes), "none"),
  ),
  flowLogs: key(
    "Whether the cloud records which connections there were, in a bucket or log of its own.",
    v.optional(boolean, false),
  ),
});

const access = list(
  object({
    port: key("A TCP port of the machines.", port),
    from: key("Who may reach it.", list(addresses, "name at least one range, or remove the rule")),
  }),
);

const limitKeys = mapLimits("key", ({ description, min, max, fallback }) =>
  key(description, v.optional(integer(min, max), fallback)),
);

const app = object({
  port: key("The port it listens on.", v.optional(port), { default: "the cloud's" }),
  root: key(
    "What `GET /` answers: the JSON greeting, or the health line.",
    v.optional(oneOf(rootAnswers), "greeting"),
  ),
  public: key("Whether writing needs no token.", v.optional(boolean, false)),
  ...(limitKeys as Record<keyof Limits, (typeof limitKeys)[string]>),
  environment: key(
    "Further environment variables of the app, on every machine; not those that the program, the cloud or the machine sets. They stand in plain text in the machines' user data: secrets are refused where the cloud has no need of that.",
    v.optional(strings(variableName, variableValue), {}),
    {
      expected:
        "an object whose values are strings of one line and at most 1,000 characters, by names in capitals",
    },
  ),
});

const clusters = list(
  object({
    name: key("The cluster's name, its own among the clusters.", shortName),
    size: key("A machine size that every cloud has.", v.optional(oneOf(sizes), "small")),
    machineType: key("The cloud's own machine type; wins over `size`.", v.optional(word), {
      default: "as `size` says",
    }),
    diskGiB: key("The size of each machine's disk, in GiB.", v.optional(integer(8, 16_384)), {
      default: "the image's",
    }),
    min: key("The fewest machines.", v.optional(integer(0, 1000)), {
      default: "`desired`; one of the two is required",
    }),
    max: key("The most machines.", v.optional(integer(1, 1000)), {
      default: "the greater of `min` and `desired`, at least 1",
    }),
    desired: key(
      "How many machines there are after each deployment, from `min` to `max`.",
      v.optional(integer(0, 1000)),
      {
        default: "`min` when the cluster is made, then what it has by then, as by `scale`",
      },
    ),
    scale: key(
      "Has the number of machines follow their load, from `min` to `max`; not beside `desired`. Deployments leave it as it is.",
      v.optional(
        object({
          cpu: key(
            "What machines are to use of their processors on average, in percent: more come when it is more.",
            integer(10, 90),
          ),
        }),
      ),
      { default: "none" },
    ),
    image: key(
      "The image that its machines boot, as `switchyard:image` names one.",
      v.optional(physicalName),
      { default: "`switchyard:image`" },
    ),
    release: key(
      "The kept release that its machines run, as `switchyard:release` names one; with a `weight`, the others are a canary, or it is.",
      v.optional(releaseId),
      { default: "the stack's" },
    ),
    path: key(
      "Requests to this path and to what is below it go to this cluster. Paths are tried in the order of the clusters, so a longer path stands before a shorter one that it begins with.",
      v.optional(clusterPath),
      { default: "none" },
    ),
    weight: key(
      "Share of the requests that match no path, relative to the other clusters'; 0 takes none, and needs a path. If all weights are 0, what matches no path is answered by the load balancer with 404.",
      v.optional(integer(0, 256), 1),
    ),
    subnets: key(
      "Where its machines are placed, spread evenly: places in `network.subnets`, counted from 0.",
      v.optional(list(integer(0, 99), "name at least one subnet, or remove the key")),
      {
        default: "all private ones; if none is, all of them",
      },
    ),
    tags: key(
      "Tags of this cluster's machines, besides `switchyard:tags`.",
      v.optional(strings(tagKey, tagValue), {}),
    ),
  }),
  "give at least one cluster",
);

const healthCheck = object({
  path: key("What is asked for; 200 is healthy.", v.optional(requestPath, "/healthz")),
  intervalSeconds: key("Seconds between two checks.", v.optional(integer(2, 300)), {
    default: "the cloud's",
  }),
  timeoutSeconds: key("Seconds an answer may take; less than the interval.", v.optional(integer(1, 120)), {
    default: "5, or less if the interval is short",
  }),
  healthyThreshold: key("Good answers in a row that make a machine healthy.", v.optional(integer(1, 10), 2)),
  unhealthyThreshold: key("Failures in a row that make it unhealthy.", v.optional(integer(1, 10), 2)),
});

const loadBalancer = object({
  port: key("The port it listens on.", v.optional(port), { default: "the cloud's" }),
  allow: key(
    "Who may reach it. Whoever deploys must be among them: a deployment ends when the app answers.",
    v.optional(
      list(
        addresses,
        "nobody could reach the app, not even the deployment that waits for it: name your own address, such as 203.0.113.7/32, or everybody, 0.0.0.0/0",
      ),
    ),
    { default: "the cloud's; required where it has none" },
  ),
  certificate: key(
    "Serves HTTPS on port 443 with this certificate, in the cloud's own words (AWS: an ACM certificate's ARN; Google Cloud: `projects/…/global/sslCertificates/…`, or a certificate map), and redirects `port` to it.",
    v.optional(word),
    { default: "none: HTTP only" },
  ),
  host: key(
    "The name that the certificate is for. The `url` of the stack has it; a DNS record of yours must lead it to the stack's `address`.",
    v.optional(hostName),
    { default: "none; required beside `certificate`" },
  ),
  accessLogs: key(
    "Whether the cloud records each request, in a bucket or log of its own.",
    v.optional(boolean, false),
  ),
  protect: key(
    "Whether whatever would delete it is refused, also outside of deployments.",
    v.optional(boolean, false),
  ),
  healthCheck: key("How a machine is found to be healthy.", v.optional(healthCheck, {})),
});

const bucket = object({
  protect: key("Whether `destroy` keeps the bucket.", v.optional(boolean, true)),
  empty: key("Whether destroying the bucket may delete what is in it.", v.optional(boolean, false)),
  encryptionKey: key(
    "The key that objects are encrypted with, in the cloud's own words (AWS: a KMS key's ARN; Google Cloud: `projects/…/cryptoKeys/…`).",
    v.optional(physicalName),
    { default: "one of the store's own" },
  ),
});

const identities = object({
  machines: key("Whom machines are.", physicalName),
  controller: key("Whom the controller is.", v.optional(physicalName), {
    default: "none; required with `controller`",
  }),
});

const rollout = object({
  minHealthyPercent: key(
    "Share of a cluster that stays healthy throughout; at 100 a new machine comes before an old one goes.",
    v.optional(integer(0, 100), 100),
  ),
  drainSeconds: key(
    "Seconds a machine that leaves may take to finish its requests.",
    v.optional(integer(0, 3600), 30),
  ),
  timeoutSeconds: key(
    "Seconds a new machine may take to its first healthy answer.",
    v.optional(integer(1, 3600), 120),
  ),
});

const openstack = object({
  externalNetwork: key(
    "The network that leads to the internet, by id and name (`openstack network list --external`).",
    object({
      id: key("Its id.", word),
      name: key("Its name, by which floating IPs are asked for.", physicalName),
    }),
  ),
  image: key(
    "What machines boot, by id or name (`openstack image list`): Ubuntu 24.04 or Debian 12 with cloud-init, for x86-64.",
    physicalName,
  ),
  flavors: key(
    "Whose flavors machines have. `given`: the cloud's (`openstack flavor list`), which a cluster's `machineType` names; sizes are `m1.small`, `m1.medium` and `m1.large`. `create`: the program makes `standard` (small and medium: 2 processors, 4 GiB, 20 GiB of disk) and `large` (4, 8 GiB, 40 GiB), which only an administrator may in most clouds.",
    v.optional(oneOf(flavorModes), "given"),
  ),
  dnsServers: key("Servers that machines ask for names, by IPv4 address.", v.optional(list(word), []), {
    default: "none: the cloud's",
  }),
  portSecurity: key(
    "Whether the network is asked to heed security groups; `false` only for a cloud that refuses to be asked.",
    v.optional(boolean, true),
  ),
  loadBalancerProvider: key(
    "Which of Octavia's providers, such as `amphora` (`openstack loadbalancer provider list`); `ovn` knows no paths, and is refused.",
    v.optional(word),
    { default: "the cloud's" },
  ),
  batch: key(
    "For a project without quota for twice its machines: how many of each cluster go at a time, each before the one that takes its place comes, while the others serve. Fewer than any cluster has.",
    v.optional(integer(1, 1000)),
    { default: "none: new machines come before the old ones go" },
  ),
  credential: key(
    "The application credential that machines use the object store by. Its secret stands in their user data, and should be a secret here.",
    v.optional(object({ id: key("Its id.", word), secret: key("Its secret.", physicalName) })),
    { default: "one that the program makes, for which a login by application credential is not enough" },
  ),
  roles: key(
    "Roles of the application credential that the program makes, which whoever deploys must have. All that they imply must be named, or it is made anew each time.",
    v.optional(list(word, "name at least one role"), ["member", "reader"]),
  ),
  accessRules: key(
    "Whether that one may do with the stack's containers what the app does, and nothing else. `false` for a cloud whose Swift does not know access rules, and refuses such credentials altogether.",
    v.optional(boolean, true),
  ),
  controllerCredential: key(
    "The application credential of the controller (`switchyard:controller`), which makes and removes machines; its secret should be a secret here.",
    v.optional(object({ id: key("Its id.", word), secret: key("Its secret.", physicalName) })),
    { default: "one that the program makes, for which a login by application credential is not enough" },
  ),
  controllerRoles: key(
    "Roles of that one, as `roles`: what Nova, Neutron and Octavia want of who makes machines and members.",
    v.optional(list(word, "name at least one role"), ["load-balancer_member", "member", "reader"]),
  ),
  store: key(
    "What keeps files and releases: Swift's containers, or one bucket of a service that speaks S3, such as Ceph's.",
    v.optional(oneOf(openstackStores), "swift"),
  ),
  s3: key(
    "How that service is reached. Who deploys has an access key of their own in the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`; `openstack ec2 credentials create`).",
    v.optional(
      object({
        endpoint: key("Its URL (`openstack catalog show s3`), without a bucket.", word),
        region: key("The region that requests are signed for.", v.optional(word, "us-east-1")),
        credential: key(
          "The access key of machines. Its secret stands in their user data, and should be a secret here.",
          v.optional(object({ id: key("Its id.", word), secret: key("Its secret.", physicalName) })),
          { default: "none: it is required, unless `createCredential` is true" },
        ),
        createCredential: key(
          "Whether the program makes that key (EC2-style, by Keystone). Whoever reads a machine's user data may then do in the project whatever who deploys may.",
          v.optional(boolean, false),
        ),
      }),
    ),
    { default: "none; required with `store: s3`" },
  ),
  tempUrl: key(
    "What has the key of links to files in Swift: their container, or the account where the cloud knows no other (older Ceph). An account's keys are set by its owner, not by the program. `off`: there are no links, and no downloads by them.",
    v.optional(oneOf(tempUrlModes), "container"),
  ),
  tempUrlKeys: key(
    "Up to two keys of links to files; the first signs. To rotate, put the new one first and leave the old one second until its links have expired. They should be secrets here.",
    v.optional(list(physicalName), []),
    { default: "one that the program makes" },
  ),
});

const schedules = list(
  object({
    name: key("The schedule's name, its own among the schedules.", shortName),
    cluster: key("Whose requests the machines take.", shortName),
    machines: key("How many machines.", integer(1, 1000)),
    flavor: key("A name below `flavors`.", peakName),
    image: key("A name below `images`.", v.optional(peakName), {
      default: "what the cluster's own machines boot",
    }),
    start: key("When one period starts, such as 2026-12-24T08:00:00+01:00.", v.optional(instant), {
      default: "none; required without `cron`",
    }),
    end: key("When it ends.", v.optional(instant), { default: "never" }),
    cron: key(
      "When recurring periods start, in `timeZone`: minute, hour, day of the month, month, day of the week, as in `0 8 * * mon-fri`.",
      v.optional(physicalName),
      { default: "none: one period" },
    ),
    durationMinutes: key("How long each takes.", v.optional(integer(1, maxMinutes)), {
      default: "none; required beside `cron`",
    }),
    timeZone: key("An IANA time zone, such as Europe/Zurich.", v.optional(word), {
      default: "none; required beside `cron`",
    }),
    from: key("The first day, such as 2026-12-01.", v.optional(day), { default: "none" }),
    until: key("The last day.", v.optional(day), { default: "none" }),
    except: key("Days to leave out.", v.optional(list(day))),
    leadMinutes: key(
      "How many minutes before a start the machines are asked for.",
      v.optional(integer(0, maxLeadMinutes)),
      { default: "0" },
    ),
  }),
);

const controller = object({
  port: key("The port it listens on, not the load balancer's.", v.optional(port, 8081)),
  allow: key(
    "Who may reach it. Whoever deploys must be among them: a deployment ends when it answers.",
    v.optional(
      list(addresses, "nobody could reach the controller: name your own address, such as 203.0.113.7/32"),
    ),
    { default: "the cloud's for the load balancer; required where it has none" },
  ),
  certificate: key(
    "Serves HTTPS with this certificate, as `loadBalancer.certificate` does. Without one, schedules can be changed from the machine itself alone.",
    v.optional(word),
    { default: "none: HTTP only" },
  ),
  host: key("The name that the certificate is for.", v.optional(hostName), {
    default: "none; required beside `certificate`",
  }),
  size: key("The size of its machine.", v.optional(oneOf(sizes), "small")),
  machineType: key("The cloud's own machine type; wins over `size`.", v.optional(word), {
    default: "as `size` says",
  }),
  maxMachines: key(
    "How many extra machines there may be at once; what would need more is refused.",
    v.optional(integer(1, 1000), 10),
  ),
  flavors: key(
    "What schedules call machines: each a size, or one of the cloud's own machine types. Each cluster has a group of each, empty unless a schedule asks for some.",
    v.optional(strings(peakName, word), { standard: "small", large: "large" }),
  ),
  images: key(
    "What schedules call images: each one of the cloud's own.",
    v.optional(strings(peakName, physicalName), {}),
  ),
  schedules: key(
    "Schedules that are there from the start, and that only this configuration removes.",
    v.optional(schedules, []),
  ),
});

const budget = object({
  amount: key("The charges of a month at which an e-mail is written.", money),
  currency: key("Their currency: that in which the cloud charges.", v.optional(currency, "USD")),
  email: key("Who gets the e-mail.", emailAddress),
  billingAccount: key(
    "The billing account that pays (Google Cloud, and required there: `gcloud billing accounts list`).",
    v.optional(word),
    { default: "none" },
  ),
});
const policy = list(
  object({
    rule: key("Which rule.", oneOf(policyRules)),
    level: key(
      "`mandatory`: what breaks it is refused; `advisory`: it is told; `disabled`: neither.",
      oneOf(policyLevels),
    ),
    resource: key(
      "The one resource that this is for, by its name in the program.",
      v.optional(physicalName),
      {
        default: "none: all of them",
      },
    ),
    reason: key("Why, for who reads it later.", physicalName),
  }),
);

/** Top-level keys that are plain text; Pulumi gives all others as JSON. */
export const textKeys: ReadonlySet<string> = new Set([
  "cloud",
  "project",
  "sshKey",
  "image",
  "permissionsBoundary",
]);

/** Every key below `switchyard:`, its type, description and default. */
export const schema = object({
  cloud: key("Which cloud the stack is deployed to.", v.optional(v.string()), {
    default: "none: it is required",
    example: "aws",
    expected: "one of the clouds whose defaults stand at the end of this page",
  }),
  project: key("Names, tags and the greeting use it.", shortName, {
    default: "the Pulumi project's name",
    example: "lab1",
  }),
  network: key("The network that everything is in.", v.optional(network), {
    default: "the cloud's",
    example: {
      cidr: "10.0.0.0/16",
      subnets: [
        { cidr: "10.0.1.0/24", zone: "us-east-1a" },
        { cidr: "10.0.2.0/24", zone: "us-east-1b" },
      ],
    },
  }),
  access: key(
    "Who may reach machines directly, port by port, besides the load balancer.",
    v.optional(access),
    {
      default: "nobody",
      example: [{ port: 22, from: ["192.0.2.0/24"] }],
    },
  ),
  sshKey: key("Whose SSH key opens the machines, where `access` lets SSH in.", v.optional(sshKey), {
    default: "none",
    example:
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example.org",
  }),
  app: key("The app on each machine.", v.optional(app, {}), { example: { port: 5000, root: "health" } }),
  machines: key(
    "Short for one cluster, `app`, of that many small machines; not beside `clusters`.",
    v.optional(integer(1, 1000)),
    { default: "the cloud's" },
  ),
  clusters: key("Groups of like machines behind the load balancer.", v.optional(clusters), {
    default: "one, as `machines` says",
    example: [
      {
        name: "cluster1",
        machineType: "m4.large",
        min: 4,
        max: 5,
        desired: 5,
        path: "/cluster1",
        subnets: [0],
      },
      { name: "cluster2", machineType: "t2.large", min: 4, max: 5, path: "/cluster2", subnets: [1] },
    ],
  }),
  loadBalancer: key("What stands in front of the clusters.", v.optional(loadBalancer, {}), {
    example: { port: 80, allow: ["0.0.0.0/0"], healthCheck: { intervalSeconds: 30 } },
  }),
  bucket: key("The object store.", v.optional(bucket, {}), { example: { protect: false, empty: true } }),
  rollout: key(
    "How a changed release, startup script or machine type replaces running machines.",
    v.optional(rollout, {}),
    { example: { minHealthyPercent: 50 } },
  ),
  names: key(
    "Exact physical names, by what a resource is for, where a system must have them.",
    v.optional(strings(tagKey, physicalName), {}),
  ),
  tags: key("Tags of everything that can have them.", v.optional(strings(tagKey, tagValue), {}), {
    example: { owner: "me" },
  }),
  permissionsBoundary: key(
    "The policy that bounds what machines may ever do, in the cloud's own words (AWS: an IAM policy's ARN).",
    v.optional(physicalName),
    { default: "none" },
  ),
  identities: key(
    "Who machines and the controller are, where an administrator has made that beforehand (`docs/bootstrap.md`), in the cloud's own words (Google Cloud: e-mails of service accounts). The program then makes no identity, and grants nothing but the use of its bucket.",
    v.optional(identities),
    {
      default: "none: the program makes them",
      example: { machines: "switchyard-gcp-machines@lab-123456.iam.gserviceaccount.com" },
    },
  ),
  image: key(
    "The image that machines boot, such as one of `npm run image -- create`, with runtime and release installed: those that are in it need not be fetched. In the cloud's own words (AWS: `ami-…`; Google Cloud: `projects/…/global/images/…`; on this machine: a name; on OpenStack `openstack.image` says it).",
    v.optional(physicalName),
    { default: "the cloud's choice" },
  ),
  release: key(
    "The kept release that machines run, by its id (`npm run releases`), instead of one that is built of `service/`.",
    v.optional(releaseId),
    { default: "what is built of `service/`" },
  ),
  budget: key(
    "Writes an e-mail when the charges of a month reach an amount; it stops nothing. What must still be clicked is said on each cloud's own page (`docs/aws.md`, `docs/gcp.md`).",
    v.optional(budget),
    { default: "none", example: { amount: 1, currency: "USD", email: "me@example.org" } },
  ),
  policy: key(
    "Other levels for the rules of `docs/policy.md`, each with its reason; a line for one resource wins over one for all.",
    v.optional(policy, []),
    {
      default: "none: each rule has the level that it says",
      example: [
        { rule: "data-protected", level: "disabled", reason: "a lab: what is stored here is nobody's" },
      ],
    },
  ),
  controller: key(
    "A machine that gives clusters extra machines by schedule: `docs/peak-hours.md`.",
    v.optional(controller),
    {
      default: "none: no extra machines",
      example: {
        allow: ["203.0.113.7/32"],
        maxMachines: 6,
        schedules: [
          {
            name: "mornings",
            cluster: "cluster1",
            machines: 2,
            flavor: "standard",
            cron: "0 8 * * mon-fri",
            durationMinutes: 240,
            timeZone: "Europe/Zurich",
          },
        ],
      },
    },
  ),
  openstack: key("What an OpenStack cloud calls its parts.", v.optional(openstack), {
    default: "none; required on OpenStack, and refused elsewhere",
    example: {
      externalNetwork: { id: "6a1a1a3c-2d2b-4f0e-9c51-5f2f5e6d7c8b", name: "public" },
      image: "Ubuntu 24.04",
    },
  }),
});

export type Input = v.InferOutput<typeof schema>;
