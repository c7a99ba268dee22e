/** A file of the page as text: the build puts it into the package, and vitest reads it. */
declare module '*?raw' {
  const text: string;
  export default text;
}
