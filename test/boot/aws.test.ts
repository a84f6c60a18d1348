import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { PolicyStatement } from "../providers/aws/role-s3.ts";
import { planStack } from "../support/plan.ts";
import type { AwsServices } from "./aws-services.ts";
import { makeCertificate } from "./certificate.ts";
import { until } from "./machine.ts";
import { adminToken, bootSuite } from "./suite.ts";

const bucket = "lab1-files-0123456";
const region = "us-east-1";
const host = `${bucket}.s3.${region}.amazonaws.com`;
const trusted = "/etc/ssl/certs/ca-certificates.crt";

/** What a machine's role may do with the bucket, as the program deploys it. S3 knows no actions of Session Manager. */
async function plannedStatements(): Promise<PolicyStatement[]> {
  const { inputs } = (await planStack("aws")).get("RolePolicy::machines");
  const policy = String(inputs?.policy).replaceAll(/\$\{files\.arn\}/g, `arn:aws:s3:::${bucket}`);
  const { Statement } = JSON.parse(policy) as { Statement: (PolicyStatement & { Sid: string })[] };
  return Statement.filter(({ Sid }) => Sid !== "SessionManager");
}

bootSuite(
  "AWS",
  async () => {
    const [tls, statements] = await Promise.all([makeCertificate([host]), plannedStatements()]);
    const location = { BUCKET: bucket, AWS_REGION: region };
    return {
      startup: {
        functions: await readFile(join(import.meta.dirname, "../../providers/aws/startup.sh"), "utf8"),
        settings: location,
        // Node.js trusts its own authorities alone.
        environment: { STORE: "s3", ...location, NODE_EXTRA_CA_CERTS: trusted },
      },
      instanceIds: ["i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa2"],
      files: async (image) => ({
        [trusted]: (await readFile(join(image, trusted), "utf8")) + tls.cert,
      }),
      services: (instanceId, objects) => ({
        module: join(import.meta.dirname, "aws-services.ts"),
        input: { instanceId, bucket, statements, objects, tls } satisfies AwsServices,
        addresses: ["169.254.169.254"],
        names: [host],
      }),
      downloads: (events) =>
        events
          .filter(({ service, path }) => service === "s3" && /^\/(releases|runtimes)\//.test(String(path)))
          .map(({ path }) => String(path).slice(1)),
    };
  },
  (machine) => {
    test("the app reaches its bucket out of the sandbox, with the role's credentials", async () => {
      const answer = await machine().get(5000, "/list_files");
      expect(JSON.parse(answer?.body ?? "")).toMatchObject({ status: 200, content: ["a.csv"] });
      expect(machine().events).toContainEqual({
        service: "s3",
        path: expect.stringContaining("list-type=2"),
        status: 200,
      });
    });

    test("the role's policy lets the app do all that it offers", async () => {
      const curl = (...args: string[]) =>
        machine().run("curl", "--silent", "--header", `authorization: Bearer ${adminToken}`, ...args);
      const status = (...args: string[]) =>
        curl("--output", "/dev/null", "--write-out", "%{http_code}", ...args);
      const app = "http://127.0.0.1:5000";
      const large = "/tmp/large";
      await machine().run("truncate", "--size", "20M", large);
      expect(await status("--upload-file", large, `${app}/files/dir/large`)).toBe("200");
      expect(await status("--form", `file=@${large}`, `${app}/upload`)).toBe("200");
      expect(JSON.parse(await curl(`${app}/list_files`)).content).toEqual(["a.csv", "dir/large", "large"]);
      const { content } = JSON.parse(await curl(`${app}/download/dir/large`));
      expect(await machine().run("curl", "--silent", "--range", "0-3", "--output", "-", content)).toBe(
        "\0\0\0\0",
      );
      expect(await status(`${app}/download/missing`)).toBe("404");
      expect(await status("--request", "DELETE", `${app}/files/large`)).toBe("200");
      // A client that hangs up leaves no part, which the role may delete.
      const broken = `curl --silent --max-time 3 --limit-rate 4M --header 'authorization: Bearer ${adminToken}' --upload-file ${large} ${app}/files/broken`;
      await machine().run("bash", "-c", `${broken} || [[ $? == 28 ]]`);
      const isAbort = ({ path, status }: Record<string, unknown>) =>
        /broken.*uploadId=/.test(`${path}`) && status === 204;
      await until("the upload to be given up", async () => machine().events.find(isAbort));
      expect(machine().events.filter(({ service, status }) => service === "s3" && status === 403)).toEqual(
        [],
      );
    });
  },
);
