import { afterEach, describe, expect, test } from 'vitest';
import { consoleServers } from '../support/console-server.js';
import { surroundings } from '../support/surroundings.js';
import { endCommands, hasTerminals, TerminalCommand } from './terminal-command.js';

const own = surroundings();
const serve = consoleServers();

const esc = String.fromCharCode(27);
const entered = `${esc}[?1049h${esc}[?25l${esc}[?7l`;
const left = `${esc}[?7h${esc}[?25h${esc}[?1049l`;
const colour = new RegExp(`${esc}\\[\\d+m`);

async function poolNamed(name: string) {
  return await own.pool((await own.listen()).url, { name, maxConnections: 4, minConnections: 0 });
}

/** Checks that the terminal is as it was before, and returns what came after the screen. */
function leftClean(text: string): string {
  const after = text.slice(text.lastIndexOf(left) + left.length);
  expect(text.split(entered)).toHaveLength(2);
  expect(text.split(left)).toHaveLength(2);
  expect(after).toMatch(/ icanon/);
  expect(after).toMatch(/ echo /);
  expect(after).not.toContain(`${esc}[?`);
  return after;
}

// Without the `script` of util-linux there is no terminal to try it on.
describe.skipIf(!hasTerminals)('top on a terminal', { timeout: 60_000 }, () => {
  afterEach(endCommands);

  test('shows the pool, and leaves the terminal clean on q', async () => {
    const { url } = await serve(await poolNamed('shop/orders'));
    const command = new TerminalCommand(`top ${url}`);
    const shown = await command.showed(/q quit/);
    expect(shown).toContain(entered);
    expect(shown).toMatch(colour);
    expect(shown).toContain('Healthy: 0 of 4 connections in use, nobody waits.');
    command.press('q');
    expect(leftClean(await command.ended)).toMatch(/^\r?\n?code=0\r\n/);
  });

  test.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('leaves the terminal clean on %s', async (signal, code) => {
    const { url } = await serve(await poolNamed('shop/orders'));
    const command = new TerminalCommand(`top ${url}`);
    await command.showed(/q quit/);
    command.signal(signal);
    expect(leftClean(await command.ended)).toContain(`code=${code}\r\n`);
  });

  test('leaves the terminal clean on Ctrl-C', async () => {
    const { url } = await serve(await poolNamed('shop/orders'));
    const command = new TerminalCommand(`top ${url}`);
    await command.showed(/q quit/);
    command.press('\u0003');
    expect(leftClean(await command.ended)).toContain('code=130\r\n');
  });

  test('leaves the terminal clean when it crashes, and the error can be read', async () => {
    const { url } = await serve(await poolNamed('shop/orders'));
    const crash = `process.on("SIGUSR2",()=>{throw new Error("out_of_order")})`;
    const command = new TerminalCommand(`top ${url}`, {
      environment: { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(crash)}` },
    });
    await command.showed(/q quit/);
    command.signal('SIGUSR2');
    const after = leftClean(await command.ended);
    expect(after).toContain('Error: out_of_order');
    expect(after).toMatch(/code=[1-9]/);
  });

  test('gives the terminal to the shell while it is stopped, and takes it again', async () => {
    const { url } = await serve(await poolNamed('shop/orders'));
    const command = new TerminalCommand(`top ${url}`);
    await command.showed(/q quit/);
    // The shell of this test has no jobs, so nobody but this test continues it.
    command.press('\u001a');
    await command.showed(/\[\?1049l/);
    command.signal('SIGCONT');
    await command.showed(/\[\?1049l[\s\S]*\[\?1049h[\s\S]*q quit/);
    command.press('q');
    expect(await command.ended).toMatch(/code=0\r\n/);
  });

  test('obeys keys: freezes, changes the order, shows the next pool', async () => {
    const { url } = await serve([await poolNamed('one'), await poolNamed('other')]);
    const command = new TerminalCommand(`top ${url} --interval 100ms`);
    await command.showed(/by held {2}tab next pool/);
    command.press('p');
    await command.showed(/FROZEN[\s\S]*p go on/);
    command.press(`p${esc}[C`);
    await command.showed(/p freeze[\s\S]*by no call/);
    command.press(`${esc}[D${esc}[D`);
    await command.showed(/by queries/);
    command.press('\t');
    await command.showed(/\[other\]/);
    command.press('q');
    leftClean(await command.ended);
  });

  test('says when the server is gone, and goes on when it is back', async () => {
    const pool = await poolNamed('shop/orders');
    const first = await serve(pool);
    const command = new TerminalCommand(`top ${first.url} --interval 100ms`);
    await command.showed(/q quit/);
    await first.stop();
    await command.showed(/STALE since \d\d:\d\d:\d\d, trying again: [\s\S]*nothing listens/);
    await serve(pool, {}, first.port);
    await command.showed(/nothing listens[\s\S]*\[H[^\r]*shop\/orders[^\r]*\r+\n[^\r]*✓/);
    command.press('q');
    leftClean(await command.ended);
  });

  test('says on the usual screen what is wrong at the beginning', async () => {
    const { url, stop } = await serve(await poolNamed('shop/orders'));
    await stop();
    const text = await new TerminalCommand(`top ${url}`).ended;
    expect(text).toMatch(/surreal-pool: http:\S+ cannot be reached: nothing listens there\r\ncode=1/);
    expect(text).not.toContain(esc);
  });

  test('has no colours with NO_COLOR', async () => {
    const { url } = await serve(await poolNamed('shop/orders'));
    const command = new TerminalCommand(`top ${url}`, { environment: { NO_COLOR: '1' } });
    expect(await command.showed(/q quit/)).not.toMatch(colour);
    command.press('q');
    leftClean(await command.ended);
  });

  test('writes lines to a terminal that can do nothing', async () => {
    const { url } = await serve(await poolNamed('shop/orders'));
    const command = new TerminalCommand(`top ${url}`, { environment: { TERM: 'dumb' } });
    await command.showed(/^top: .* fine healthy, /m);
    command.signal('SIGTERM');
    expect(await command.ended).not.toContain(esc);
  });

  test('is drawn anew when the terminal has another size', async () => {
    const { url } = await serve(await poolNamed('shop/orders'));
    const command = new TerminalCommand(`top ${url} --interval 1h`, { environment: { NO_COLOR: '1' } });
    expect(await command.showed(/q quit/)).not.toContain('in use 0/4');
    command.resize(40, 12);
    await command.showed(/in use 0\/4 +waiting 0[\s\S]*q quit/);
    command.press('q');
    leftClean(await command.ended);
  });

  test('of 40 columns and 12 rows keeps within them, line by line', async () => {
    const { url } = await serve(await poolNamed('shop/orders'));
    const command = new TerminalCommand(`top ${url}`, { columns: 40, rows: 12, environment: { NO_COLOR: '1' } });
    const text = await command.showed(/q quit[\s\S]*q quit/);
    command.press('q');
    const [, frame = ''] = text.split(`${esc}[H`);
    const lines = frame.replaceAll(`${esc}[K`, '').split(/\r+\n/);
    expect(lines.length).toBeLessThanOrEqual(12);
    for (const line of lines) expect(line.replaceAll(`${esc}[J`, '').length, line).toBeLessThanOrEqual(40);
    leftClean(await command.ended);
  });
});
