import { withoutQuery } from '../config/address.js';

/** The longest reason that a sentence has room for, in characters. */
const longestReason = 160;

/** A number as people read it: `10,000`. */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 connection`, `2 connections`. */
export function plural(count: number, one: string, several: string): string {
  return `${number(count)} ${count === 1 ? one : several}`;
}

/** `1 caller waits`, `2 callers wait`. */
export function callers(count: number): string {
  return plural(count, 'caller waits', 'callers wait');
}

/** A reason as a part of a sentence: one line, shortened, without a full stop at its end. */
export function inShort(reason: string): string {
  const line = reason.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
  return line.length > longestReason ? `${line.slice(0, longestReason)}…` : line;
}

/** The host and port of a server; the address of a database in this process as it is. Never its query string. */
export function addressInShort(url: string): string {
  const shown = withoutQuery(url);
  const host = /^wss?:\/\/([^/]+)/.exec(shown)?.[1];
  return host ?? shown;
}

/** A failure to connect without the address, for a sentence that has it already. */
export function withoutAddress(reason: string): string {
  return reason.replace(/^(?:.*: )?cannot connect to \S+: /, '');
}
