import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { makePlan, type Plan } from "./plan.ts";
import { type Log, startRecorder } from "./recorder.ts";
import type { Stack } from "./stack.ts";

/** The SDK's exit code for an error that it has logged (`nodeJSProcessExitedAfterLoggingUserActionableMessage`). */
const errorIsLogged = 32;

/** All that the program's process gets of this one's environment: no credential, and nothing that configures an SDK. */
const passedOn = ["PATH", "TMPDIR", "TEMP", "SystemRoot"];

function environment({ config, secretKeys }: Stack): NodeJS.ProcessEnv {
  const given = passedOn.map((name) => [name, process.env[name]]);
  return {
    ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    TZ: "UTC",
    PULUMI_CONFIG: JSON.stringify(config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(secretKeys),
  };
}

/** Starts the program as the language host does (constructArguments in pulumi-language-nodejs/main.go). */
function startProgram(stack: Stack, address: string): ChildProcessByStdio<null, Readable, Readable> {
  const { resolve } = createRequire(join(stack.root, "package.json"));
  const flags = {
    monitor: address,
    engine: address,
    // What a backend without organizations says.
    organization: "organization",
    project: stack.project,
    "root-directory": stack.root,
    stack: stack.name,
    pwd: stack.root,
  };
  const args = [
    // A young generation of a quarter of the default's size: some 20 MB less at the peak.
    "--max-semi-space-size=4",
    "--import",
    import.meta.resolve("./hook.ts"),
    resolve("@pulumi/pulumi/cmd/run"),
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    "--dry-run",
    stack.main,
  ];
  const env = environment(stack);
  return spawn(process.execPath, args, { cwd: stack.root, env, stdio: ["ignore", "pipe", "pipe"] });
}

async function lines(input: Readable, severity: Log["severity"]): Promise<Log[]> {
  const messages = await Array.fromAsync(createInterface({ input }));
  return messages.map((message) => ({ severity, message }));
}

/** What the language host says of an end that the SDK has not explained. */
function endOf(code: number | null, signal: NodeJS.Signals | null): Log[] {
  if (code === 0 || code === errorIsLogged) return [];
  const message = signal ? `Program ended by ${signal}` : `Program exited with non-zero exit code: ${code}`;
  return [{ severity: "error", message }];
}

/**
 * Runs a stack's program in a process of its own against a recorder, and tells what it would deploy. A program that
 * fails is no exception: its errors are among the diagnostics, and the steps are what it got to.
 */
export async function planProgram(stack: Stack): Promise<Plan> {
  const recorder = await startRecorder(stack);
  const { recording } = recorder;
  try {
    const program = startProgram(stack, recorder.address);
    const ended = once(program, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    const [printed, complained, [code, signal]] = await Promise.all([
      lines(program.stdout, "info"),
      lines(program.stderr, "info#err"),
      ended,
    ]);
    // Not as they came in: pipes and connection are not in step with each other.
    recording.logs.push(...printed, ...complained, ...endOf(code, signal));
    return makePlan(stack, recording);
  } finally {
    recorder.close();
  }
}
