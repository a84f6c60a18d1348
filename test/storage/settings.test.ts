import { expect, test } from "vitest";
import { readStoreSettings } from "../../service/storage/settings.ts";

const swift = {
  STORE: "swift",
  BUCKET: "files",
  OS_AUTH_URL: "https://cloud.example:5000/v3",
  SWIFT_TEMP_URL_KEY: "temporary-key",
};

test("reads what each store needs, and nothing else", () => {
  const environment = {
    BUCKET: "files",
    AWS_REGION: "eu-west-1",
    IDENTITY_URL: "http://127.0.0.1:1/machines/1",
  };
  const read = (changes: Record<string, string>) => readStoreSettings({ ...environment, ...changes });
  expect(read({ STORE: "s3" })).toEqual({ STORE: "s3", BUCKET: "files", AWS_REGION: "eu-west-1" });
  expect(read({ STORE: "gcs", GCS_ENDPOINT: "" })).toEqual({ STORE: "gcs", BUCKET: "files" });
  const { IDENTITY_URL } = environment;
  expect(read({ STORE: "local" })).toEqual({ STORE: "local", BUCKET: "files", IDENTITY_URL });
});

test("takes an application credential or a password with its project", () => {
  const application = { OS_APPLICATION_CREDENTIAL_ID: "id", OS_APPLICATION_CREDENTIAL_SECRET: "secret" };
  const password = { OS_USERNAME: "user", OS_PASSWORD: "password", OS_PROJECT_NAME: "project" };
  expect(readStoreSettings({ ...swift, ...application })).toEqual({
    ...swift,
    ...application,
    OS_INTERFACE: "public",
  });
  expect(readStoreSettings({ ...swift, ...password, OS_REGION_NAME: "RegionOne" })).toEqual({
    ...swift,
    ...password,
    OS_INTERFACE: "public",
    OS_REGION_NAME: "RegionOne",
  });
});

test.each([
  [
    {},
    [
      "STORE is not set; it must be one of s3, gcs, swift, local",
      "BUCKET is not set; it must be a bucket's name: 1 to 222 letters, digits, `.`, `_` or `-`",
    ],
  ],
  [
    { STORE: "s3", BUCKET: "a/b", S3_ENDPOINT: "minio:9000" },
    [
      'BUCKET is "a/b"; it must be a bucket\'s name: 1 to 222 letters, digits, `.`, `_` or `-`',
      "AWS_REGION is not set; it must be a region such as eu-west-1",
      'S3_ENDPOINT is "minio:9000"; it must be an http or https URL',
    ],
  ],
  [
    { ...swift, SWIFT_TEMP_URL_KEY: "", OS_INTERFACE: "private" },
    [
      "OS_USERNAME is not set",
      "OS_PASSWORD is not set",
      "OS_PROJECT_NAME is not set",
      'OS_INTERFACE is "private"; it must be one of public, internal, admin',
    ],
  ],
  [
    { STORE: "local", BUCKET: "files", IDENTITY_URL: "secret" },
    ["IDENTITY_URL is wrong (its value is not shown); it must be an http or https URL"],
  ],
])("says all that is wrong with %j at once", (environment, lines) => {
  expect(() => readStoreSettings(environment)).toThrow(new Error(lines.join("\n")));
});
