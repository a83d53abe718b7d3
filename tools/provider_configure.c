// provider configure: the catalogue into the ledger, by the accountant's own program.
#include "tools/commands.h"
#include "tools/ledger.h"
#include "tools/local.h"
#include "tools/render.h"

#include <sysexits.h>

static void show_change(const json_t *change, bool is_dry) {
    const json_t *member, *members = member_of(change, "members");
    size_t i;
    out_printf("%s%-9s %-5s %s", is_dry ? "would be " : "", text_of(change, "change", ""),
               text_of(change, "what", ""), text_of(change, "name", ""));
    json_array_foreach(members, i, member)
        out_printf("%s%s", i > 0 ? ", " : ": ", json_string_value(member));
    out_text("\n");
}

int provider_configure(struct call *call) {
    bool is_dry = call_has(call, "dry-run");
    const json_t *change;
    size_t i;
    if (!is_dry && local_listens(call->conf))
        fail(EX_TEMPFAIL, "colloq runs here, and has entered the catalogue that it found at its "
                          "start; to enter another one, end it first; --dry-run says now what "
                          "would change");
    json_t *answer =
        ledger_show_program(call, (char *)"--configure", is_dry ? (char *)"--dry-run" : NULL);
    if (!answer)
        return 0;
    json_array_foreach(member_of(answer, "changes"), i, change) show_change(change, is_dry);
    if (json_array_size(member_of(answer, "changes")) == 0)
        out_printf("%s has this catalogue: nothing changes\n", text_of(answer, "ledger", ""));
    json_decref(answer);
    return 0;
}
