import { createHash } from 'node:crypto';
import type { HttpReply } from '../http/http-message.js';
import style from './page/page.css?raw';
import html from './page/page.html?raw';
import script from './page/page.js?raw';

/** The page in one text, with its script and style in it, and the policy that allows these two and nothing else. */
function assemblePage(): HttpReply {
  const body = html.replace('/* style */', () => style).replace('/* script */', () => script);
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    },
    body,
  };
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

let page: HttpReply | undefined;

/** The page itself. It has no data: its script asks for them. */
export function pageReply(): HttpReply {
  page ??= assemblePage();
  return page;
}
