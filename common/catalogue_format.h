// The compiled document: {"format": 1, "providers": [entry of an API …], "prices": [entry of a
// model …]}, canonical, both lists sorted. What the compiler writes and the loader reads.
#ifndef COMMON_CATALOGUE_FORMAT_H
#define COMMON_CATALOGUE_FORMAT_H

enum { CATALOGUE_FORMAT = 1, CATALOGUE_APIS_MAX = 256, CATALOGUE_MODELS_MAX = 20000 };

#endif
