/** A worker's program, bundled by build.js. */
declare module "worker:*" {
  const code: string;
  export default code;
}
