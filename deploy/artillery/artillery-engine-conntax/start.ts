// The entry of the package: loads the engine where Node can run it, and says what is needed where it cannot.
const LEAST_NODE = 26;

if (Number.parseInt(process.versions.node, 10) < LEAST_NODE) {
  const error = new Error(
    `artillery-engine-conntax needs Node ${LEAST_NODE} or newer; Artillery runs on ${process.version}`,
  );
  // Artillery would only warn of what is thrown here, and go on without the engine.
  setImmediate(() => {
    throw error;
  });
  throw error;
}

export default (await import('./index.ts')).default;
