/** As much of an OpenAPI document as the page shows. */
export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string };
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses?: Readonly<Record<string, Response>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Schema;
}

interface Response {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface Schema {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}

const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
h1 small, .type { opacity: .7; font-weight: normal; font-size: .85rem; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; }
summary { cursor: pointer; padding: .5rem .8rem; }
details > div { padding: 0 .8rem .8rem; }
code, pre { font: .9rem/1.5 ui-monospace, monospace; }
pre { background: var(--soft); padding: .6rem; overflow-x: auto; border-radius: .3rem; }
table { border-collapse: collapse; width: 100%; }
td { border-top: 1px solid var(--line); padding: .25rem .6rem .25rem 0; vertical-align: top; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600; }
.lock { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .5rem; font-size: .8rem; }
`;

/** Renders an OpenAPI document as one page of HTML: every route, its parameters, its answers and a call to paste. */
export function renderDocs({ info, paths = {} }: ApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      renderOperation(method.toUpperCase(), path, operation),
    ),
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(info.title)}</title><style>${style}</style></head>
<body>
<h1>${escapeHtml(info.title)} <small>${escapeHtml(info.version)}</small></h1>
<p>The same for programs: <a href="/openapi.json">/openapi.json</a></p>
${operations.join("\n")}
</body>
</html>
`;
}

function renderOperation(method: string, path: string, operation: Operation): string {
  const { summary = "", description, security, parameters = [], requestBody, responses = {} } = operation;
  const [bodyType] = Object.keys(requestBody?.content ?? {});
  const call = curl(method, path, security !== undefined, bodyType);
  return `<details><summary><code><span class="method">${method}</span> ${escapeHtml(path)}</code> ${escapeHtml(summary)}
${security ? '<span class="lock">token</span>' : ""}</summary><div>
${description ? `<p>${escapeHtml(description)}</p>` : ""}
<pre>${escapeHtml(call)}</pre>
${table("Parameters", parameters.map(renderParameter))}
${table("Answers", Object.entries(responses).map(renderResponse))}
</div></details>`;
}

function renderParameter({ name, in: place, required, description = "", schema }: Parameter): string {
  const limits = [
    required ? "required" : "",
    schema?.minimum === undefined ? "" : `${schema.minimum} to ${schema.maximum}`,
    schema?.default === undefined ? "" : `default ${schema.default}`,
  ].filter((text) => text !== "");
  const type = [place, typeName(schema), ...limits].join(", ");
  return row(
    `<code>${escapeHtml(name)}</code>`,
    `${escapeHtml(description)} <span class="type">${escapeHtml(type)}</span>`,
  );
}

function renderResponse([status, { description, content = {} }]: [string, Response]): string {
  const types = Object.entries(content).map(([type, { schema }]) => `${type}: ${typeName(schema)}`);
  return row(
    `<code>${escapeHtml(status)}</code>`,
    `${escapeHtml(description)} <span class="type">${escapeHtml(types.join("; "))}</span>`,
  );
}

function typeName(schema: Schema | undefined): string {
  if (schema?.items) return `${typeName(schema.items)}[]`;
  const properties = Object.entries(schema?.properties ?? {});
  if (properties.length === 0) return schema?.type ?? "any";
  return `{ ${properties.map(([name, value]) => `${name}: ${typeName(value)}`).join(", ")} }`;
}

function curl(method: string, path: string, token: boolean, bodyType: string | undefined): string {
  const parts = ["curl"];
  if (bodyType === "multipart/form-data") parts.push("-F file=@FILE");
  else if (bodyType) parts.push("-T FILE");
  else if (method !== "GET") parts.push(`-X ${method}`);
  if (token) parts.push('-H "Authorization: Bearer $TOKEN"');
  return [...parts, `"$URL${path.replaceAll(/\{(\w+)\}/g, (_, name) => name.toUpperCase())}"`].join(" ");
}

function table(title: string, rows: readonly string[]): string {
  return rows.length === 0 ? "" : `<h4>${title}</h4><table>${rows.join("")}</table>`;
}

function row(...cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
