/**
 * A program for a child process, behind one that has made `client`: many callers query its session without a pause while
 * another one changes its variables, until nothing moves ("stuck") or all is done ("done").
 *
 * @param callers how many query
 * @param rounds how often each of them does
 * @param stillness for how long nothing moves, in milliseconds
 */
export function besideQueries({
  callers,
  rounds,
  stillness,
}: {
  callers: number;
  rounds: number;
  stillness: number;
}): string {
  return `
  let calls = 0;
  const repeat = async (call) => {
    for (let round = 0; round < ${rounds}; round++, calls++) await call(round);
  };
  let before = -1;
  setInterval(() => {
    if (before === calls) {
      console.log('stuck');
      process.exit();
    }
    before = calls;
  }, ${stillness});
  const queries = Array.from({ length: ${callers} }, () => repeat(() => client.query('RETURN 1').collect()));
  await Promise.all([...queries, repeat((round) => client.set('round', round))]);
  console.log('done');
  process.exit();
`;
}
