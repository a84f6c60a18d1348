import { anyError, textAnswer } from "../api/schemas.ts";
import type { Routes } from "../context.ts";

/** `GET` of the cluster's own path, with or without a slash at its end: which machine answers. */
export const clusterRoutes: Routes = async (app, { settings }) => {
  if (settings.CLUSTER_PATH === "") return;
  const text = `Instance ${settings.INSTANCE_ID} is responding now!`;
  for (const url of [settings.CLUSTER_PATH, `${settings.CLUSTER_PATH}/`]) {
    app.get(url, {
      schema: {
        summary: "Names the machine that answers",
        // The description is the same whichever cluster's machine gives it.
        hide: true,
        response: {
          200: textAnswer("The machine's instance id", "^Instance .+ is responding now!$"),
          default: anyError,
        },
      },
      handler: (_request, reply) => {
        reply.send(text);
      },
    });
  }
};
