import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeCloudTemplate } from "../openstack/template.ts";
import { folderOf, markerOf, type ServerPackage, serverPackages } from "./cache.ts";
import { makeTemplate } from "./openstack.ts";

// Installs the servers and tools of cache.ts that tests need: node install.ts. One that is there is left alone.

type Step = readonly [command: string, ...args: string[]];

const here = import.meta.dirname;

function stepsOf(server: ServerPackage): readonly Step[] {
  const folder = folderOf(server);
  if (["google-discovery", "moto", "openstack", "schemathesis"].includes(server.name)) {
    const python = join(folder, "bin/python");
    const pinned = ["install", "--quiet", "--no-deps", "--require-hashes", "-r"];
    return [
      ["python3", "-m", "venv", folder],
      [python, "-m", "pip", "--disable-pip-version-check", ...pinned, "../uv.txt"],
      [
        join(folder, "bin/uv"),
        "pip",
        ...pinned,
        "requirements.txt",
        "--python",
        python,
        "--compile-bytecode",
      ],
    ];
  }
  return [["go", "build", "-o", join(folder, server.name), "tool"]];
}

async function run([command, ...args]: Step, cwd: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  child.once("error", (error) => {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    reject(missing ? new Error(`${command} is needed and not installed: ${neededFor[command]}`) : error);
  });
  child.once("exit", (code, signal) => {
    if (code === 0) resolve();
    else reject(new Error(`\`${command} ${args.join(" ")}\` ended with ${signal ?? `exit status ${code}`}`));
  });
  await promise;
}

const neededFor: Readonly<Record<string, string>> = {
  go: "install Go 1.21 or newer (it fetches the version that go.mod asks for)",
  python3: "install Python 3.11 or newer, with its venv module",
};

/** Whole minutes would be too coarse, and tenths of seconds too fine, for steps of 5 s to 5 min. */
const secondsSince = (start: number) => `${Math.round((Date.now() - start) / 1000)} s`;

async function install(server: ServerPackage): Promise<void> {
  if (existsSync(markerOf(server))) {
    console.log(`${server.name}: is installed (${folderOf(server)})`);
    return;
  }
  const start = Date.now();
  console.log(`${server.name}: installs into ${folderOf(server)}; takes up to 5 minutes`);
  const progress = setInterval(() => console.log(`${server.name}: ${secondsSince(start)} …`), 15_000);
  try {
    await rm(folderOf(server), { recursive: true, force: true });
    await mkdir(folderOf(server), { recursive: true });
    for (const step of stepsOf(server)) await run(step, join(here, server.name));
    if (server.name === "openstack") {
      await makeTemplate();
      await makeCloudTemplate();
    }
    await writeFile(markerOf(server), "");
  } finally {
    clearInterval(progress);
  }
  console.log(`${server.name}: installed in ${secondsSince(start)}`);
}

for (const server of Object.values(serverPackages)) {
  try {
    await install(server);
  } catch (error) {
    console.error(`${server.name}: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
