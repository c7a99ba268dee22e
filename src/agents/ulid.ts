import { randomBytes } from 'node:crypto';

const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const timeLength = 10;
const randomLength = 16;

let lastTime = 0;
let lastRandom: number[] = [];

/** An identifier that sorts by the time of day at which it was made, and within this process by the order. */
export function newUlid(): string {
  // A clock that was set back must not make identifiers that sort before earlier ones.
  const time = Math.max(Date.now(), lastTime);
  if (time === lastTime && lastRandom.some((digit) => digit < digits.length - 1)) lastRandom = next(lastRandom);
  else lastRandom = [...randomBytes(randomLength)].map((byte) => byte % digits.length);
  lastTime = time;
  let rest = time;
  let text = '';
  for (let place = 0; place < timeLength; place++) {
    text = `${digits[rest % digits.length]}${text}`;
    rest = Math.floor(rest / digits.length);
  }
  return text + lastRandom.map((digit) => digits[digit]).join('');
}

function next(random: readonly number[]): number[] {
  const following = [...random];
  for (let place = following.length - 1; place >= 0; place--) {
    const digit = Number(following[place]) + 1;
    following[place] = digit % digits.length;
    if (digit < digits.length) break;
  }
  return following;
}
