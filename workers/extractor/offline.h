// The extractor without a broker: recorded exchanges in, a line of JSON for each out. It goes
// through the very functions of the process, so what it prints is what the ledger would get.
#ifndef EXTRACTOR_OFFLINE_H
#define EXTRACTOR_OFFLINE_H

// Reads its own options and files (argv[2] on; see `colloq extract`) and the settings, and makes no
// folder. A file that is no recording is said on stderr, and the others are done. Returns the exit
// code: that of the first bad file; 1 if an answer is of an API that the catalogue does not have.
int offline_run(int argc, char **argv, int stop_fd);

#endif
