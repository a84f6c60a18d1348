// What workflows write to GitHub. It runs on whatever Node.js the runner has (20 or newer), without any dependency:
//   github.js comment NUMBER FILE      one comment of a pull request, written again by each push
//   github.js drift STACK OUTCOME      one open issue of a stack that is not as it was deployed; OUTPUT says how
// The environment is that of GitHub Actions: GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_RUN_ID.
import { readFileSync } from "node:fs";

/** The longest text of a comment or issue that GitHub takes is 65,536 characters. */
const longest = 65_000;

const { GITHUB_API_URL = "https://api.github.com", GITHUB_REPOSITORY = "", GITHUB_TOKEN = "" } = process.env;

/**
 * @param {string} method
 * @param {string} path below the repository
 * @param {object} [body]
 */
async function call(method, path, body) {
  const response = await fetch(`${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${GITHUB_TOKEN}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
      ...(body && { "content-type": "application/json" }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok)
    throw new Error(`GitHub answers ${response.status} to ${method} ${path}: ${await response.text()}`);
  return response.json();
}

/**
 * The first of a list whose text begins with a marker, that the workflow itself wrote.
 * @param {string} path
 * @param {string} marker
 */
async function find(path, marker) {
  const query = path.includes("?") ? "&" : "?";
  for (let page = 1; ; page += 1) {
    const items = await call("GET", `${path}${query}per_page=100&page=${page}`);
    const found = items.find(({ body, user }) => body?.startsWith(marker) && user?.type === "Bot");
    if (found || items.length < 100) return found;
  }
}

/**
 * @param {string} number the pull request's
 * @param {string} file what the comment says, in Markdown
 */
async function comment(number, file) {
  const marker = "<!-- switchyard: comparison -->";
  const body = `${marker}\n${readFileSync(file, "utf8")}`;
  const known = await find(`/issues/${number}/comments`, marker);
  if (known) await call("PATCH", `/issues/comments/${known.id}`, { body });
  else await call("POST", `/issues/${number}/comments`, { body });
}

/**
 * @param {string} stack
 * @param {string} outcome `success` when nothing drifted; otherwise something did, or the preview failed
 */
async function drift(stack, outcome) {
  const marker = `<!-- switchyard: drift of ${stack} -->`;
  const known = await find("/issues?state=open", marker);
  if (outcome === "success") {
    if (known) await call("PATCH", `/issues/${known.number}`, { state: "closed" });
    return;
  }
  const run = `https://github.com/${GITHUB_REPOSITORY}/actions/runs/${process.env.GITHUB_RUN_ID}`;
  const output = (process.env.OUTPUT ?? "").replaceAll("```", "'''");
  const said = output.length > longest - 500 ? `…${output.slice(500 - longest)}` : output;
  const body = `${marker}\nThe stack \`${stack}\` is not as the program says, or cannot be looked at ([run](${run})):\n\n\`\`\`diff\n${said}\n\`\`\`\n`;
  const title = `The stack ${stack} has drifted`;
  if (known) await call("PATCH", `/issues/${known.number}`, { body });
  else await call("POST", "/issues", { title, body });
}

const [command, ...args] = process.argv.slice(2);
const commands = { comment, drift };
if (!Object.hasOwn(commands, command ?? "") || args.length !== 2) {
  console.error("Usage: github.js comment NUMBER FILE | github.js drift STACK OUTCOME");
  process.exit(1);
}
try {
  await commands[command](...args);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
