// Prints the versions of two packages as this process resolves them, as JSON.
import fastify from 'fastify/package.json' with { type: 'json' };
import undici from 'undici/package.json' with { type: 'json' };

process.stdout.write(JSON.stringify({ undici: undici.version, fastify: fastify.version }));
