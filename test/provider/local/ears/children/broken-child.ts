// A recogniser child that cannot start.
console.error("the model file is not a model");
process.exitCode = 3;
