import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseUrn } from "../../operations/urn.ts";
import { simpleType } from "../../plan/labels.ts";
import { LocalCloud } from "../../providers/local/cloud/client.ts";
import { type Cli, findCli } from "../../scripts/cli.ts";
import { copyProgram, projectRoot } from "../support/project.ts";

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Step {
  readonly op: string;
  readonly urn: string;
}

/** Stack configuration below `switchyard:`. */
export type Config = Record<string, unknown>;

/** A process that was started. */
export interface Started {
  readonly pid: number;
  /** What it printed, once it has ended. */
  readonly ended: Promise<CommandResult>;
  /** Has a listener told what it prints, as it comes. */
  onOutput(listener: (text: string) => void): void;
}

/** Starts a process that reads nothing; `ended` has what it printed. */
export function start(
  command: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Started {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<CommandResult>((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk) => {
      stderr += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  const onOutput = (listener: (text: string) => void) => {
    child.stdout.on("data", listener);
    child.stderr.on("data", listener);
  };
  return { pid: child.pid ?? 0, ended, onOutput };
}

export function run(...args: Parameters<typeof start>): Promise<CommandResult> {
  return start(...args).ended;
}

/** The end of a URN: `MachineGroup::cluster1`. */
export function shortName(urn: string): string {
  const { type, name } = parseUrn(urn);
  return `${simpleType(type)}::${name}`;
}

/** A copy of this project with a stack of its own, deployed by the real CLI to a backend of its own. */
export class Deployment {
  readonly root: string;
  stack: string;
  config: Config;
  readonly #cli: Cli;

  static async create(config: Config, stack = "e2e"): Promise<Deployment> {
    const { signal } = new AbortController();
    const cli = await findCli({ root: projectRoot, env: process.env, signal, log: console.error });
    const root = await mkdtemp(join(tmpdir(), "switchyard-e2e-"));
    await copyProgram(root, ["plan", "plugin", "policy", "scripts"]);
    await mkdir(join(root, "state"), { mode: 0o700 });
    const deployment = new Deployment(root, cli, config, stack);
    await deployment.#write();
    const made = await deployment.pulumi("stack", "init", deployment.stack);
    if (made.code !== 0) throw new Error(`stack init failed: ${made.stderr}`);
    return deployment;
  }

  /** One that is up. @throws with what the CLI printed when it did not come up; nothing is left then */
  static async up(config: Config): Promise<Deployment> {
    const deployment = await Deployment.create(config);
    const made = await deployment.up();
    if (made.code === 0) return deployment;
    await deployment.remove();
    throw new Error(made.stdout + made.stderr);
  }

  private constructor(root: string, cli: Cli, config: Config, stack: string) {
    this.root = root;
    this.config = config;
    this.stack = stack;
    this.#cli = cli;
  }

  get home(): string {
    return join(this.root, "cloud");
  }

  get env(): NodeJS.ProcessEnv {
    return {
      ...this.#cli.env,
      PATH: `${join(projectRoot, "node_modules/.bin")}:${this.#cli.env.PATH}`,
      PULUMI_BACKEND_URL: `file://${join(this.root, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      SWITCHYARD_HOME: this.home,
    };
  }

  async #write(): Promise<void> {
    const config = Object.fromEntries(
      Object.entries(this.config).map(([key, value]) => [`switchyard:${key}`, value]),
    );
    const file = join(this.root, `Pulumi.${this.stack}.yaml`);
    await writeFile(file, JSON.stringify({ config })); // JSON is YAML
  }

  pulumi(...args: string[]): Promise<CommandResult> {
    return this.pulumiIn(this.env, ...args);
  }

  /** Runs the CLI in another environment. */
  pulumiIn(env: NodeJS.ProcessEnv, ...args: string[]): Promise<CommandResult> {
    return run(this.#cli.command, args, { cwd: this.root, env });
  }

  async #deploy(command: string, ...args: string[]): Promise<CommandResult> {
    await this.#write();
    return this.pulumi(command, "--stack", this.stack, "--yes", "--skip-preview", "--color=never", ...args);
  }

  up(): Promise<CommandResult> {
    return this.#deploy("up");
  }

  destroy(...args: string[]): Promise<CommandResult> {
    return this.#deploy("destroy", ...args);
  }

  refresh(): Promise<CommandResult> {
    return this.#deploy("refresh");
  }

  /** Gives the stack another name, as the CLI does: its file is renamed with it. */
  async rename(stack: string): Promise<void> {
    const renamed = await this.pulumi("stack", "rename", stack, "--stack", this.stack);
    if (renamed.code !== 0) throw new Error(`stack rename failed: ${renamed.stderr}`);
    this.stack = stack;
  }

  /** Starts the project's own command for a stack, in a process group of its own, as `npm run` does. */
  async start(command: string, ...more: string[]): Promise<Started> {
    await this.#write();
    const color = command === "outputs" || command === "cancel" ? [] : ["--color=never"];
    return this.script("stack.ts", command, "--stack", this.stack, ...color, ...more);
  }

  /** Starts a script of the project. */
  script(name: string, ...args: string[]): Started {
    return start(process.execPath, [join(this.root, "scripts", name), ...args], {
      cwd: this.root,
      env: { ...this.env, PULUMI_COMMAND: this.#cli.command },
    });
  }

  /** Runs the project's own command for a stack. */
  async npm(command: string, ...more: string[]): Promise<CommandResult> {
    return (await this.start(command, ...more)).ended;
  }

  /** What a preview would do: `op Type::name` for all that it would not leave alone. */
  async preview(...args: string[]): Promise<string[]> {
    await this.#write();
    const result = await this.pulumi("preview", "--stack", this.stack, "--json", ...args);
    if (result.code !== 0) throw new Error(`preview failed: ${result.stdout}\n${result.stderr}`);
    const { steps } = JSON.parse(result.stdout) as { steps: Step[] };
    return steps
      .filter(({ op }) => op !== "same" && op !== "read" && op !== "refresh")
      .map(({ op, urn }) => `${op} ${shortName(urn)}`)
      .sort();
  }

  async outputs(): Promise<Record<string, unknown>> {
    const result = await this.pulumi("stack", "output", "--json", "--stack", this.stack);
    if (result.code !== 0) throw new Error(`stack output failed: ${result.stderr}`);
    return JSON.parse(result.stdout);
  }

  async adminToken(): Promise<string> {
    const args = ["stack", "output", "adminToken", "--show-secrets", "--stack", this.stack];
    const result = await this.pulumi(...args);
    if (result.code !== 0) throw new Error(`stack output failed: ${result.stderr}`);
    return result.stdout.trim();
  }

  /** Its local cloud, once something was deployed to it. */
  async cloud(): Promise<LocalCloud> {
    const [name] = await readdir(this.home);
    if (!name) throw new Error(`there is no cloud in ${this.home}`);
    return new LocalCloud(join(this.home, name));
  }

  /** Processes that run in, or from, this deployment's cloud. */
  async processes(): Promise<string[]> {
    const { stdout } = await run("ps", ["-eo", "pid=,args="], { cwd: this.root, env: process.env });
    return stdout.split("\n").filter((line) => line.includes(this.home));
  }

  /** Ends everything, whatever state it is in. */
  async remove(): Promise<void> {
    for (const line of await this.processes()) {
      try {
        process.kill(Number.parseInt(line, 10), "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
    await rm(this.root, { recursive: true, force: true });
  }

  /** Every file of the local cloud, relative to its folder. */
  async files(): Promise<string[]> {
    const entries = await readdir(this.home, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  }
}

/** The distinct machines that answer at a path, and the releases they run. */
export async function ask(
  url: string,
  requests = 40,
): Promise<{ instances: Set<string>; releases: Set<string> }> {
  const instances = new Set<string>();
  const releases = new Set<string>();
  for (let index = 0; index < requests; index += 1) {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await response.text();
    if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
    instances.add(response.headers.get("x-instance-id") ?? "");
    releases.add(response.headers.get("x-release") ?? "");
  }
  return { instances, releases };
}
