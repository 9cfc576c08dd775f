// The entry of the package: loads the engine where Node can run it, and says what is needed where it cannot.
const MIN_NODE = 26;

if (Number.parseInt(process.versions.node, 10) < MIN_NODE) {
  const error = new Error(
    `artillery-engine-conntax needs Node ${MIN_NODE} or newer; Artillery runs on ${process.version}`,
  );
  // Artillery would only warn of what is thrown here, and go on without the engine.
  setImmediate(() => {
    throw error;
  });
  throw error;
}

export default (await import('./index.ts')).default;
