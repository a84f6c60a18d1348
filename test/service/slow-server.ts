import { once } from "node:events";
import { PassThrough } from "node:stream";
import { setImmediate } from "node:timers";
import { buildApp } from "../../service/app.ts";
import { run } from "../../service/run.ts";

/** The app with requests that last until the parent process sends a message, and one that ends the process. */
void run(process.env, async (settings, options) => {
  const app = await buildApp(settings, options);
  app.get("/slow", async () => {
    process.send?.("started");
    await once(process, "message");
    return { status: 200, message: "finished" };
  });
  app.get("/stream", (_request, reply) => {
    const body = new PassThrough();
    body.write("begun, ");
    process.once("message", () => body.end("ended"));
    reply.send(body);
  });
  app.get("/throw", () => {
    setImmediate(() => {
      throw new Error("thrown where nobody catches");
    });
  });
  app.get("/throw-text", () => {
    setImmediate(() => {
      throw "text where nobody catches";
    });
  });
  app.get("/reject", () => {
    void Promise.reject(new Error("rejected where nobody catches"));
  });
  return app;
});
