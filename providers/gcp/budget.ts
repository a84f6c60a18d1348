import * as pulumi from "@pulumi/pulumi";
import { Budget, type BudgetArgs } from "../../components/budget.ts";
import type { GcpBucket } from "./bucket.ts";
import { type GcpContext, labelsOf } from "./context.ts";
import * as gcp from "./resources.ts";

/** Shares of the amount at which an e-mail is written. */
const thresholds = [0.5, 0.9, 1];

/** A budget of the billing account for what this project is charged in a month, which writes e-mails. */
export class GcpBudget extends Budget {
  constructor(
    name: string,
    { amount, currency, email, billingAccount = "", bucket }: BudgetArgs<GcpBucket>,
    context: GcpContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(name, opts);
    const { billingbudgets, monitoring } = context.apis.ofBudget();
    const channel = new gcp.NotificationChannel(
      name,
      {
        displayName: `${context.project} budget`,
        type: "email",
        labels: { email_address: email },
        userLabels: labelsOf(context),
      },
      { parent: this, dependsOn: monitoring },
    );
    const units = Math.floor(amount);
    new gcp.Budget(
      name,
      {
        billingAccount,
        displayName: context.project,
        // The API knows projects by their numbers.
        budgetFilter: { projects: [pulumi.interpolate`projects/${bucket.projectNumber}`] },
        amount: {
          specifiedAmount: {
            currencyCode: currency,
            units: String(units),
            nanos: Math.round((amount - units) * 100) * 10_000_000,
          },
        },
        thresholdRules: thresholds.map((thresholdPercent) => ({ thresholdPercent })),
        allUpdatesRule: {
          monitoringNotificationChannels: [channel.name],
          disableDefaultIamRecipients: true,
        },
      },
      { parent: this, dependsOn: billingbudgets },
    );
    this.registerOutputs({});
  }
}
