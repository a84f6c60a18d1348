import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { outputsIn, readState } from "../../scripts/state-file.ts";
import { startProcess, writeLock } from "../support/locks.ts";
import { freePort } from "../support/ports.ts";
import { type CommandResult, Deployment } from "./deployment.ts";

let deployment: Deployment;
let made: CommandResult;
let port: number;
const url = () => `http://127.0.0.1:${port}`;

/** The names of the resources that the stack's state has. */
async function recorded(): Promise<string[]> {
  const { stdout } = await deployment.pulumi("stack", "export", "--stack", "local");
  const { deployment: state } = JSON.parse(stdout);
  return (state.resources ?? []).map(({ type }: { type: string }) => type);
}

beforeAll(async () => {
  port = await freePort();
  deployment = await Deployment.create(
    {
      cloud: "local",
      network: { cidr: "10.95.0.0/16", subnets: [{ cidr: "10.95.1.0/24" }] },
      clusters: [{ name: "app", min: 2, max: 2 }],
      loadBalancer: { port },
      rollout: { drainSeconds: 1 },
    },
    "local",
  );
  made = await deployment.npm("up", "--timing", join(deployment.root, "timing.md"));
}, 90_000);

afterAll(() => deployment?.remove(), 30_000);

describe("commands on a stack of this machine", { timeout: 90_000 }, () => {
  it("`up` ends with status lines that are true", async () => {
    expect(made.code, made.stdout + made.stderr).toBe(0);
    const statusOf = (type: string) => made.stdout.split("\n").findLast((line) => line.includes(type)) ?? "";
    expect(statusOf("switchyard:index:Readiness")).toContain("app: 2 of 2 machines");
    expect(statusOf("switchyard:local:MachineGroup")).toContain("2 of 2 machines run");
  });

  it("outputs are read from the state as the CLI prints them", async () => {
    const context = { root: deployment.root, env: deployment.env };
    const state = await readState(context, "switchyard", "local");
    expect(state && outputsIn(state)).toEqual(await deployment.outputs());
  });

  it("`up --timing` writes how long each resource took, and what it waited for", async () => {
    const table = await readFile(join(deployment.root, "timing.md"), "utf8");
    expect(table).toMatch(/\| Bucket files +\| create +\| \d+\.\d +\|/);
    expect(table).toMatch(/\| Readiness ready +\| create .* LoadBalancer edge, until \d/);
  });

  it("`monitoring` writes where Prometheus finds each machine, and it answers there", async () => {
    const folder = join(deployment.root, "monitoring");
    const args = ["--stack", "local", "--output", folder];
    const { code, stdout, stderr } = await deployment.script("monitoring.ts", ...args).ended;
    expect(code, stdout + stderr).toBe(0);
    const found = JSON.parse(await readFile(join(folder, "machines.json"), "utf8"));
    const targets = found.flatMap((one: { targets: string[] }) => one.targets) as string[];
    expect(found.map((one: { labels: unknown }) => one.labels)).toEqual([
      { cluster: "app" },
      { cluster: "app" },
    ]);
    for (const target of targets) {
      const told = await (await fetch(`http://${target}/metrics`)).text();
      expect(told).toMatch(/^disk_available_bytes\{.*cluster="app".*\} [1-9]/m);
    }
    expect((await readdir(folder)).sort()).toEqual([
      "alerts.yml",
      "dashboard.json",
      "machines.json",
      "prometheus.yml",
    ]);
  });

  it("the program starts without the compiler and the package installer of Pulumi's SDK", async () => {
    const transforms = join(deployment.root, "transforms.ts");
    const heavy = "(file) => /.node_modules.(typescript|@npmcli.arborist)./.test(file)";
    await writeFile(
      transforms,
      `import { createRequire } from "node:module";
      const loaded = Object.values(createRequire(import.meta.url).cache).filter((module) => module.loaded);
      const files = loaded.flatMap(({ filename, children }) => (children.length > 0 ? [filename] : []));
      console.log("heavy:", files.filter(${heavy}).length, "of", files.length);`,
    );
    try {
      const { code, stdout, stderr } = await deployment.npm("preview");
      expect(code, stdout + stderr).toBe(0);
      expect(stdout).toMatch(/heavy: 0 of \d{2}/);
    } finally {
      await rm(transforms);
    }
  });

  it("while another changes it, `preview` and `outputs` work, and `up` says who does", async () => {
    const { pid = 0 } = await startProcess("/opt/pulumi/bin/pulumi");
    const lock = writeLock(join(deployment.root, "state"), pid);
    const preview = await deployment.npm("preview");
    expect(preview.code, preview.stdout + preview.stderr).toBe(0);
    const outputs = await deployment.npm("outputs", "url");
    expect([outputs.code, outputs.stdout.trim()]).toEqual([0, expect.stringMatching(/^http:/)]);
    const up = await deployment.npm("up");
    expect([up.code, up.stderr]).toEqual([1, expect.stringContaining(`changed by process ${pid}`)]);
    expect(existsSync(lock)).toBe(true);
    process.kill(pid, "SIGKILL");
    expect((await deployment.npm("up")).code).toBe(0);
    expect(existsSync(lock)).toBe(false);
  });

  it("`clones` makes machines of a running one's disk, which start without a download and go with the network", async () => {
    const machines = await (await deployment.cloud()).machines();
    const timing = join(deployment.root, "clones.md");
    const from = machines[0]?.id ?? "";
    const args = ["create", "--from", from, "--count", "2", "--timing", timing];
    const made = await deployment.script("clones.ts", ...args).ended;
    expect(made.code, made.stderr).toBe(0);
    expect(await readFile(timing, "utf8")).toMatch(/^\| clone-2 +\| m-\w+ +(\| 20\S+Z +){3}\| \d+\.\d +\|$/m);

    const cloud = await deployment.cloud();
    const clones = (await cloud.machines()).filter(({ cluster }) => cluster.startsWith("clone-"));
    expect(clones.map(({ cluster }) => cluster).sort()).toEqual(["clone-1", "clone-2"]);
    for (const { id, address, port } of clones) {
      const answer = await fetch(`http://${address}:${port}/healthz`);
      expect([answer.status, answer.headers.get("x-instance-id")]).toEqual([200, id]);
      const { stdout } = await deployment.script("logs.ts", id).ended;
      expect(stdout).toMatch(/found runtime in [\s\S]*found release in [\s\S]*app is healthy in/);
    }

    expect((await deployment.npm("up")).code).toBe(0);
    const removed = await deployment.script("clones.ts", "rm", "clone-1").ended;
    expect(removed.code, removed.stderr).toBe(0);
    const { stdout } = await deployment.script("clones.ts", "ls").ended;
    expect(stdout).toMatch(new RegExp(`^clone-2 +m-\\w+ +${from} .* healthy `, "m"));
    expect(stdout).not.toContain("clone-1");
    expect(Object.keys(await cloud.list("images"))).toHaveLength(1);
  });

  it("`dev` deploys what is saved, says what is wrong, and shows what machines write", async () => {
    const shown: string[] = [];
    const dev = deployment.script("dev.ts");
    dev.onOutput((text) => shown.push(text));
    const saw = (pattern: RegExp) =>
      vi.waitFor(() => expect(shown.join("")).toMatch(pattern), { timeout: 60_000, interval: 50 });
    await saw(/Waiting for changes/);
    const file = join(deployment.root, "service/routes/root.ts");
    const source = await readFile(file, "utf8");
    await writeFile(file, source.replace("const greeting = {", "const greeting: number = {"));
    await saw(
      /root\.ts changed: deploying\n[\s\S]*service\/routes\/root\.ts\(\d+,\d+\): error TS2322[\s\S]*Not deployed: what ran before serves on/,
    );
    expect(await (await fetch(new URL("/", url()))).text()).toContain("Successfully connected to");
    await writeFile(file, source.replace("Successfully connected to", "Connected at last to"));
    await saw(/Release [0-9a-f]{12} answers after \d+\.\d s, all is done after/);
    expect(await (await fetch(new URL("/", url()))).text()).toContain("Connected at last to");
    await fetch(new URL("/no-such-thing", url()));
    await saw(/app\/m-\w+ INFO {2}GET \/no-such-thing 404/);
    process.kill(dev.pid, "SIGINT");
    const { code, stderr } = await dev.ended;
    expect([code, stderr]).toEqual([0, expect.stringContaining("The stack stays up")]);
    expect((await fetch(new URL("/healthz", url()))).status).toBe(200);
  });

  it("`destroy` keeps the bucket, and `destroy --with-data` takes it with its files, its name given again", async () => {
    const file = join(deployment.root, "kept.txt");
    await writeFile(file, "kept");
    const put = await deployment.script("files.ts", "put", file).ended;
    expect(put.code, put.stderr).toBe(0);

    const unconfirmed = await deployment.npm("destroy", "--with-data");
    expect([unconfirmed.code, unconfirmed.stderr]).toEqual([
      1,
      expect.stringContaining("Nothing was deleted"),
    ]);
    expect(await recorded()).toContain("switchyard:local:MachineGroup");

    const destroyed = await deployment.npm("destroy");
    expect(destroyed.stderr).toContain("npm run destroy -- --with-data");
    expect(await recorded()).toContain("switchyard:local:Bucket");
    expect(await readdir(join((await deployment.cloud()).home, "images"))).toEqual([]);

    const gone = await deployment.npm("destroy", "--with-data", "--confirm", "local");
    expect(gone.code, gone.stdout + gone.stderr).toBe(0);
    expect(gone.stdout).not.toContain("MachineGroup");
    expect(gone.stderr).toContain("Nothing is left of stack local.");
    expect(await recorded()).toEqual([]);
    const left = await readdir(deployment.home, { recursive: true });
    expect(left.filter((name) => name.includes("buckets/"))).toEqual([]);
  });

  it("`destroy --with-data` removes a whole stack at once", async () => {
    expect((await deployment.npm("up")).code).toBe(0);
    const gone = await deployment.npm("destroy", "--with-data", "--confirm", "local");
    expect(gone.code, gone.stdout + gone.stderr).toBe(0);
    expect(await recorded()).toEqual([]);
    const again = await deployment.npm("destroy", "--with-data", "--confirm", "local");
    expect(again.code, again.stdout + again.stderr).toBe(0);
  });
});
