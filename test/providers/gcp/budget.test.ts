// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { expect, test } from "vitest";
import { planStack } from "../../support/plan.ts";
import { problemsOf } from "./problems.ts";

const budget = {
  amount: 12.34,
  currency: "EUR",
  email: "me@example.org",
  billingAccount: "012345-6789AB-CDEF01",
};

const image = "projects/lab-123456/global/images/gold";

test("a budget of the billing account for this project writes e-mails by a channel", async () => {
  const plan = await planStack("gcp", { project: "lab", budget, image });
  expect(plan.get("NotificationChannel::budget").inputs).toEqual({
    displayName: "lab budget",
    type: "email",
    labels: { email_address: "me@example.org" },
    userLabels: { project_name: "lab" },
  });
  expect(plan.get("gcp:billing/budget:Budget::budget").inputs).toEqual({
    billingAccount: "012345-6789AB-CDEF01",
    displayName: "lab",
    // The number of the bucket's project.
    budgetFilter: { projects: ["[unknown]"] },
    amount: { specifiedAmount: { currencyCode: "EUR", units: "12", nanos: 340_000_000 } },
    thresholdRules: [{ thresholdPercent: 0.5 }, { thresholdPercent: 0.9 }, { thresholdPercent: 1 }],
    allUpdatesRule: {
      monitoringNotificationChannels: ["${NotificationChannel:budget.name}"],
      disableDefaultIamRecipients: true,
    },
  });
  expect(plan.byType("InstanceTemplate")[0]?.inputs?.disks).toMatchObject([{ sourceImage: image }]);
  expect(plan.dependsOn("gcp:billing/budget:Budget::budget", "Service::api-billingbudgets")).toBe(true);
  expect(plan.dependsOn("NotificationChannel::budget", "Service::api-monitoring")).toBe(true);
}, 60_000);

test("which account pays must be said", async () => {
  expect(await problemsOf({ budget, image })).toEqual([]);
  expect(await problemsOf({ image: "gold" })).toEqual([
    expect.stringMatching(/^image is "gold"; it must be an image, projects/),
  ]);
  expect(await problemsOf({ budget: { ...budget, billingAccount: undefined } })).toEqual([
    "budget.billingAccount is missing; say which billing account pays, such as 012345-6789AB-CDEF01 (gcloud billing accounts list)",
  ]);
  expect(await problemsOf({ budget: { ...budget, billingAccount: "mine" } })).toEqual([
    expect.stringMatching(/^budget\.billingAccount is "mine"; say which/),
  ]);
  expect(await problemsOf({ budget: { amount: 0.001, currency: "usd", email: "me" } })).toEqual([
    "budget.amount is 0.001; it must be a number from 0.01 to 1000000 with two decimals at most",
    expect.stringMatching(/^budget\.billingAccount is missing/),
    'budget.currency is "usd"; it must be a currency\'s code such as USD',
    'budget.email is "me"; it must be an e-mail address such as me@example.org',
  ]);
});
