// Processes that end with their test.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";

/** Starts a program whose output goes to a file; standard output is a pipe with `listens`. */
export function start(program, args, { log, listens = false }) {
  const file = openSync(log, "a");
  const { STATE_DIRECTORY, RUNTIME_DIRECTORY, NOTIFY_SOCKET, ...env } = process.env;
  const child = spawn(program, args, { stdio: ["ignore", listens ? "pipe" : file, file], env });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  return child;
}

/** Ends a process with a signal and returns its exit code. */
export async function end(child, signal = "SIGTERM") {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }
  return child.exitCode;
}
