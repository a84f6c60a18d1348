import "./crash.ts";
import { run } from "./run.ts";

void run(process.env);
