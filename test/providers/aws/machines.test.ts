import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { filesOf } from "../../../providers/aws/files.ts";
import { healthOf, openMachines } from "../../../providers/aws/machines.ts";
import { temporaryFolder } from "../../support/fake-cli.ts";
import { deployedStack } from "../../support/outputs.ts";

const deployed = (operator: Record<string, string>) =>
  deployedStack("day02", {
    bucketName: "day02-files",
    clusters: {
      flask: { size: 2, machineType: "t3.small", group: "flask-1a2b3c4", weight: 1 },
      other: { size: 1, machineType: "t3.small", group: "other-1a2b3c4", weight: 1 },
    },
    operator,
  });
const stack = deployed({ region: "eu-west-1" });
const release = "a".repeat(64);

/** A server that answers EC2's and auto scaling's query protocols, as much of them as is asked. */
let server: Server;
let requests: URLSearchParams[];
/** The access keys that signed requests. */
const signers = new Set<string>();
let consoleText: string;

function member(id: string, state: string, health: string): string {
  return `<member><InstanceId>${id}</InstanceId><LifecycleState>${state}</LifecycleState><HealthStatus>${health}</HealthStatus></member>`;
}

function groups(): string {
  const group = (name: string, members: string) =>
    `<member><AutoScalingGroupName>${name}</AutoScalingGroupName><Instances>${members}</Instances></member>`;
  const flask = member("i-0b", "InService", "Healthy") + member("i-0a", "Pending", "Healthy");
  return `<DescribeAutoScalingGroupsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><DescribeAutoScalingGroupsResult><AutoScalingGroups>
${group("other-1a2b3c4", member("i-0c", "Terminating:Wait", "Unhealthy"))}${group("flask-1a2b3c4", flask)}
</AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>`;
}

function instances(): string {
  const instance = (id: string, minute: number, address: string) =>
    `<item><instanceId>${id}</instanceId><launchTime>2026-01-01T00:0${minute}:00.000Z</launchTime>${address}<tagSet><item><key>release</key><value>${release}</value></item></tagSet></item>`;
  const items = [
    instance("i-0a", 1, "<privateIpAddress>10.0.1.7</privateIpAddress>"),
    instance("i-0b", 2, "<privateIpAddress>10.0.1.8</privateIpAddress><ipAddress>192.0.2.8</ipAddress>"),
  ];
  return `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet><item><instancesSet>${items.join("")}</instancesSet></item></reservationSet></DescribeInstancesResponse>`;
}

function answer(query: URLSearchParams): { status: number; body: string } {
  const error = (code: string) =>
    `<Response><Errors><Error><Code>${code}</Code><Message>no</Message></Error></Errors></Response>`;
  switch (query.get("Action")) {
    case "DescribeAutoScalingGroups":
      return { status: 200, body: groups() };
    case "DescribeInstances":
      return { status: 200, body: instances() };
    case "GetConsoleOutput": {
      // As for a family before Nitro.
      if (query.get("Latest") === "true") return { status: 400, body: error("UnsupportedOperation") };
      const output = Buffer.from(consoleText).toString("base64");
      return {
        status: 200,
        body: `<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><output>${output}</output></GetConsoleOutputResponse>`,
      };
    }
    default:
      return { status: 400, body: error("InvalidAction") };
  }
}

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const query = new URLSearchParams(await text(request));
    requests.push(query);
    signers.add(/Credential=([^/]+)/.exec(request.headers.authorization ?? "")?.[1] ?? "");
    const { status, body } = answer(query);
    response.writeHead(status, { "content-type": "text/xml" }).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterAll(() => void server.close().closeAllConnections());

beforeEach(() => {
  requests = [];
  consoleText = "booted\n";
  vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("lists every machine of the stack's groups, by cluster and age", async () => {
  const machine = { release, launchedAt: new Date("2026-01-01T00:01:00Z") };
  expect(await openMachines(stack).list()).toEqual([
    { ...machine, cluster: "flask", id: "i-0a", address: "10.0.1.7", health: "starting" },
    {
      cluster: "flask",
      id: "i-0b",
      address: "192.0.2.8",
      health: "healthy",
      release,
      launchedAt: new Date("2026-01-01T00:02:00Z"),
    },
    { cluster: "other", id: "i-0c", address: "", health: "draining", release: "", launchedAt: new Date(0) },
  ]);
  const asked = requests.flatMap((query) => [...query.values()]);
  for (const name of ["flask-1a2b3c4", "other-1a2b3c4"]) {
    expect(asked.filter((value) => value === name)).toHaveLength(2);
  }
});

test("shows a machine's console, and says how to get a shell", async () => {
  const said = vi.spyOn(console, "error").mockReturnValue();
  const { signal } = new AbortController();
  const log = await Array.fromAsync(openMachines(stack).logs("i-0b", { follow: false, signal }));
  expect(log).toEqual(["booted\n"]);
  expect(said.mock.calls).toEqual([
    ["For a shell on it: aws ssm start-session --region eu-west-1 --target i-0b"],
  ]);
});

test("names the machines that there are when asked for another", async () => {
  const { signal } = new AbortController();
  await expect(Array.fromAsync(openMachines(stack).logs("i-0x", { follow: false, signal }))).rejects.toThrow(
    "there is no machine i-0x in stack day02; there are: i-0a, i-0b, i-0c",
  );
});

test("follows a console until it is aborted", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  const stop = new AbortController();
  const log = openMachines(stack).logs("i-0b", { follow: true, signal: stop.signal })[Symbol.asyncIterator]();
  expect(await log.next()).toEqual({ done: false, value: "booted\n" });
  stop.abort();
  expect(await log.next()).toEqual({ done: true, value: undefined });
});

test.each([
  ["Pending:Wait", "Healthy", "starting"],
  ["InService", "Healthy", "healthy"],
  ["InService", "Unhealthy", "unhealthy"],
  ["Terminating", "Unhealthy", "draining"],
  ["Standby", "Healthy", "standby"],
] as const)("%s and %s is %s", (LifecycleState, HealthStatus, health) => {
  expect(healthOf({ LifecycleState, HealthStatus } as Parameters<typeof healthOf>[0])).toBe(health);
});

test("finds the bucket of a stack", async () => {
  expect(await filesOf(stack)).toEqual({ STORE: "s3", BUCKET: "day02-files", AWS_REGION: "eu-west-1" });
});

/** Requests are signed by the key of the profile that makes them. */
async function keysUsed(): Promise<Set<string>> {
  signers.clear();
  await openMachines(deployed({ region: "eu-west-1", profile: "work" })).list();
  return new Set(signers);
}

test("the profile that deployed a stack looks at it, unless the environment names another", async () => {
  const folder = temporaryFolder();
  const profiles = ["work", "mine"].map(
    (name) => `[${name}]\naws_access_key_id=KEY-${name}\naws_secret_access_key=x\n`,
  );
  await writeFile(join(folder, "credentials"), profiles.join(""));
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(folder, "credentials"));
  vi.stubEnv("AWS_CONFIG_FILE", join(folder, "config"));
  expect(await keysUsed()).toEqual(new Set(["KEY-work"]));
  const { outputs } = deployed({ region: "eu-west-1", profile: "work" });
  expect(await filesOf({ stack: "day02", outputs })).toMatchObject({ AWS_PROFILE: "work" });
  vi.stubEnv("AWS_ACCESS_KEY_ID", undefined); // beside a profile, the SDK warns
  vi.stubEnv("AWS_PROFILE", "mine");
  expect(await keysUsed()).toEqual(new Set(["KEY-mine"]));
});
