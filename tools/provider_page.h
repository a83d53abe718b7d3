// The documents that are made of the catalogue alone: the same catalogue gives the same bytes.
#ifndef TOOLS_PROVIDER_PAGE_H
#define TOOLS_PROVIDER_PAGE_H

#include "common/catalogue.h"

// One API: docs/providers/PROVIDER.API.md.
void page_of_api(const struct provider_api *api, struct buf *out);
// Every kind of identifier, and where each API has it: docs/identifiers.md.
void page_of_identifiers(const struct catalogue *catalogue, struct buf *out);
// What each API offers, and what of it is served here: docs/gap-analysis.md.
void page_of_gaps(const struct catalogue *catalogue, struct buf *out);

#endif
