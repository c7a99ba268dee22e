import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryFolder } from './temporary.js';

/** A series and its samples: moments in seconds, and values. */
export interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [at: number, value: number])[];
}

/** A rule as Prometheus understood it. */
export interface LoadedRule {
  readonly name: string;
  readonly query: string;
  readonly health: string;
  readonly lastError?: string;
}

/** What it asks each second. */
export interface ScrapedJob {
  readonly name: string;
  readonly path: string;
  /** More of its configuration, as the documentation tells to write it. */
  readonly more?: object;
}

export interface PrometheusOptions {
  /** The path of the program. */
  readonly program: string;
  /** The port on this machine where it finds all jobs. */
  readonly port: number;
  readonly jobs: readonly ScrapedJob[];
  /** The paths of files with rules. */
  readonly rules: readonly string[];
}

/** A real Prometheus that scrapes one process of this machine each second. */
export class PrometheusServer {
  readonly #process: ChildProcess;
  readonly #url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#process = child;
    this.#url = url;
  }

  static async start({ program, port, jobs, rules }: PrometheusOptions): Promise<PrometheusServer> {
    const folder = temporaryFolder();
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: rules,
      scrape_configs: jobs.map(({ name, path, more }) => ({
        ...{ job_name: name, metrics_path: path, ...more },
        static_configs: [{ targets: [`127.0.0.1:${port}`] }],
      })),
    };
    // What is JSON is YAML as well.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const flags = ['--config.file=prometheus.yml', '--storage.tsdb.path=data', '--web.listen-address=127.0.0.1:0'];
    const child = spawn(program, flags, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    const log: string[] = [];
    const address = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stderr }).on('line', (line) => {
        log.push(line);
        const [, found] = /msg="Listening on" address=(\S+)/.exec(line) ?? [];
        if (found !== undefined) resolve(found);
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`prometheus ended at its start:\n${log.join('\n')}`)));
    });
    return new PrometheusServer(child, `http://${address}`);
  }

  /** Asks a path of its HTTP API; rejects with what it says when it refuses. */
  async ask<Data>(path: string, parameters: Readonly<Record<string, string>>): Promise<Data> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const reply = (await response.json()) as { status: string; data: Data; error?: string };
    if (reply.status !== 'success') throw new Error(`${reply.error}: ${parameters.query ?? path}`);
    return reply.data;
  }

  /** The samples of an expression, one for each second from one moment to another. */
  async query(expression: string, start: number, end: number): Promise<Found[]> {
    const parameters = { query: expression, start: String(start), end: String(end), step: '1' };
    const { result } = await this.ask<{
      result: { metric: Record<string, string>; values: [number, string][] }[];
    }>('query_range', parameters);
    return result.map(({ metric, values }) => ({ metric, values: values.map(([at, value]) => [at, Number(value)]) }));
  }

  /** The values of a label among the series of a selector. */
  labelValues(label: string, selector: string): Promise<string[]> {
    return this.ask(`label/${label}/values`, { 'match[]': selector });
  }

  async rules(): Promise<LoadedRule[]> {
    const { groups } = await this.ask<{ groups: { rules: LoadedRule[] }[] }>('rules', {});
    return groups.flatMap(({ rules }) => rules);
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
