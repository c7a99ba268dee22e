// Asks the built application once, and ends it.
import { spawn } from 'node:child_process';

const next = spawn(process.execPath, ['node_modules/next/dist/bin/next', 'start', '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
next.stdout.setEncoding('utf8');
let said = '';
let asked = false;
next.stdout.on('data', async (text) => {
  said += text;
  const [address] = /http:\/\/localhost:\d+/.exec(said) ?? [];
  if (address === undefined || asked) return;
  asked = true;
  const answer = await fetch(`${address}/people`);
  console.log(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
  next.kill();
});
