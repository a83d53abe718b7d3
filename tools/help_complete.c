// Completion scripts of bash, zsh and fish, from the table: nouns, verbs, options, and values
// where they are a closed list.
#include "common/conf.h"
#include "tools/help.h"

#include <stdio.h>
#include <string.h>

static const char *verb_of(const struct command *command) {
    return command->verb ? command->verb : "";
}

// "batch run", "cost"
static void put_key(struct buf *out, const struct command *command) {
    buf_printf(out, "%s%s%s", command->noun, command->verb ? " " : "", verb_of(command));
}

// A text between single quotes as all three shells read it.
static void put_quoted(struct buf *out, const char *text, bool is_escaped_colon) {
    buf_byte(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_text(out, "\xe2\x80\x99"); // an apostrophe that no shell knows
        else if (*text == ':' && is_escaped_colon)
            buf_text(out, "\\:");
        else
            buf_byte(out, (uint8_t)*text);
    }
    buf_byte(out, '\'');
}

// Whether an option that stands before this one of the i-th command has its name.
static bool is_named_before(size_t i, const struct option *option) {
    for (size_t k = 0; k <= i; k++)
        for (const struct option *o = command_at(k)->options; o->name && o != option; o++)
            if (strcmp(o->name, option->name) == 0)
                return true;
    return false;
}

// The flags that take a value, of options and settings, with between between them.
static void put_valued(struct buf *out, const char *between) {
    struct conf_about about;
    const struct command *command;
    buf_text(out, "--config");
    for (size_t i = 0; conf_about("client", i, &about); i++)
        if (about.is_read && about.has_value)
            buf_printf(out, "%s--%s", between, about.flag);
    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        for (const struct option *o = command->options; o->name; o++)
            if (o->type != OPTION_flag && !is_named_before(i, o))
                buf_printf(out, "%s--%s", between, o->name);
}

// The nouns that stand alone.
static void put_alone(struct buf *out) {
    const char *between = "";
    for (size_t i = 0; noun_at(i); i++) {
        const struct command *command = command_named(noun_at(i)->name, NULL);
        if (command)
            buf_printf(out, "%s%s", between, noun_at(i)->name);
        between = command ? " | " : between;
    }
}

// What each noun can be followed by.
static void put_verbs(struct buf *out, const char *noun) {
    const struct command *command;
    const char *between = "";
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        if (strcmp(command->noun, noun) != 0 || !command->verb)
            continue;
        buf_printf(out, "%s%s", between, command->verb);
        between = " ";
    }
}

static void put_nouns(struct buf *out) {
    for (size_t i = 0; noun_at(i); i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", noun_at(i)->name);
}

// Flags of every command.
static void put_common(struct buf *out) {
    struct conf_about about;
    buf_text(out, "--config");
    for (const struct option *o = common_options; o->name; o++)
        buf_printf(out, " --%s", o->name);
    for (size_t i = 0; conf_about("client", i, &about); i++)
        if (about.is_read)
            buf_printf(out, " --%s", about.flag);
}

// ---- bash ---------------------------------------------------------------------------------------

static void put_bash_values(struct buf *out) {
    struct conf_about about;
    const struct command *command;
    buf_text(out, "    case \"$key $prev\" in\n");
    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        for (const struct option *o = command->options; o->name; o++) {
            if (!o->choices)
                continue;
            buf_text(out, "    '");
            put_key(out, command);
            buf_printf(out, " --%s') words='%s' is_value=1 ;;\n", o->name, o->choices);
        }
    for (size_t i = 0; conf_about("client", i, &about); i++)
        if (about.choices)
            buf_printf(out, "    *' --%s') words='%s' is_value=1 ;;\n", about.flag, about.choices);
    buf_text(out, "    esac\n");
}

static void put_bash_options(struct buf *out) {
    const struct command *command;
    buf_text(out, "        case $key in\n");
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        const char *between = "";
        buf_text(out, "        '");
        put_key(out, command);
        buf_text(out, "') words='");
        for (const struct option *o = command->options; o->name; o++) {
            buf_printf(out, "%s--%s", between, o->name);
            between = " ";
        }
        buf_text(out, "' ;;\n");
    }
    buf_text(out, "        esac\n        words=\"$words ");
    put_common(out);
    buf_text(out, "\"\n");
}

static void put_bash_words(struct buf *out) {
    buf_text(out, "    elif [ -z \"$noun\" ]; then\n        words='");
    put_nouns(out);
    buf_text(out,
             "'\n    elif [ -z \"$verb\" ]; then\n        case $noun in\n        help) words='");
    put_nouns(out);
    buf_text(out, "' ;;\n");
    for (size_t i = 0; noun_at(i); i++) {
        if (command_named(noun_at(i)->name, NULL))
            continue;
        buf_printf(out, "        %s) words='", noun_at(i)->name);
        put_verbs(out, noun_at(i)->name);
        buf_text(out, "' ;;\n");
    }
    buf_text(out, "        esac\n    fi\n");
}

static void put_bash(struct buf *out) {
    buf_text(out,
             "# Completion of colloq for bash, written by: colloq help --completion bash\n"
             "# shellcheck shell=bash\n"
             "_colloq() {\n"
             "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
             "    local noun='' verb='' key='' skip='' words='' is_value='' is_file='' word i\n"
             "    # --by=model comes as three words.\n"
             "    if [ \"$cur\" = = ]; then cur=''; elif [ \"$prev\" = = ]; then "
             "prev=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
             "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "        word=${COMP_WORDS[i]}\n"
             "        if [ \"$word\" = = ]; then skip=1; continue; fi\n"
             "        if [ -n \"$skip\" ]; then skip=''; continue; fi\n"
             "        case $word in\n        ");
    put_valued(out, " | ");
    buf_text(out, ") skip=1 ;;\n"
                  "        -*) ;;\n"
                  "        *) if [ -z \"$noun\" ]; then noun=$word; elif [ -z \"$verb\" ]; then "
                  "verb=$word; fi ;;\n"
                  "        esac\n"
                  "    done\n"
                  "    case $noun in\n    ");
    put_alone(out);
    buf_text(out, ") key=$noun ;;\n    *) key=\"$noun $verb\" ;;\n    esac\n");
    put_bash_values(out);
    buf_text(out, "    if [ -n \"$is_value\" ]; then\n        :\n"
                  "    elif [ -n \"$skip\" ]; then\n        is_file=1\n"
                  "    elif [[ $cur == -* ]]; then\n");
    put_bash_options(out);
    put_bash_words(out);
    buf_text(out, "    [ -n \"$words\" ] || is_file=1\n"
                  "    if [ -n \"$is_file\" ]; then\n"
                  "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
                  "        compopt -o filenames 2>/dev/null\n"
                  "    else\n"
                  "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                  "    fi\n"
                  "}\n"
                  "complete -F _colloq colloq\n");
}

// ---- zsh ----------------------------------------------------------------------------------------

static void put_zsh_entry(struct buf *out, const char *before, const char *word, const char *says) {
    buf_printf(out, " \\\n            ");
    buf_printf(out, "%s%s:", before, word);
    put_quoted(out, says, true);
}

static void put_zsh_options(struct buf *out, const struct command *command) {
    buf_text(out, "    '");
    put_key(out, command);
    buf_text(out, "')\n        found=(");
    for (const struct option *o = command->options; o->name; o++)
        put_zsh_entry(out, "--", o->name, o->help);
    buf_text(out, ") ;;\n");
}

static void put_zsh_values(struct buf *out) {
    struct conf_about about;
    const struct command *command;
    buf_text(out, "    case \"$key $prev\" in\n");
    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        for (const struct option *o = command->options; o->name; o++) {
            if (!o->choices)
                continue;
            buf_text(out, "    '");
            put_key(out, command);
            buf_printf(out, " --%s') compadd -- %s; return ;;\n", o->name, o->choices);
        }
    for (size_t i = 0; conf_about("client", i, &about); i++)
        if (about.choices)
            buf_printf(out, "    *' --%s') compadd -- %s; return ;;\n", about.flag, about.choices);
    buf_text(out, "    esac\n");
}

static void put_zsh_words(struct buf *out) {
    const struct command *command;
    buf_text(out, "    elif [[ -z $noun || ( $noun == help && -z $verb ) ]]; then\n"
                  "        found=(");
    for (size_t i = 0; noun_at(i); i++)
        put_zsh_entry(out, "", noun_at(i)->name, noun_at(i)->summary);
    buf_text(out, ")\n    elif [[ -z $verb ]]; then\n        case $noun in\n");
    for (size_t i = 0; noun_at(i); i++) {
        if (command_named(noun_at(i)->name, NULL))
            continue;
        buf_printf(out, "        %s)\n            found=(", noun_at(i)->name);
        for (size_t k = 0; (command = command_at(k)) != NULL; k++)
            if (strcmp(command->noun, noun_at(i)->name) == 0)
                put_zsh_entry(out, "", verb_of(command), command->summary);
        buf_text(out, ") ;;\n");
    }
    buf_text(out, "        esac\n    fi\n");
}

static void put_zsh(struct buf *out) {
    const struct command *command;
    struct conf_about about;
    buf_text(out, "#compdef colloq\n"
                  "# Completion of colloq for zsh, written by: colloq help --completion zsh\n"
                  "_colloq() {\n"
                  "    local noun verb key skip word prev=$words[CURRENT-1] i\n"
                  "    local -a found\n"
                  "    for ((i = 2; i < CURRENT; i++)); do\n"
                  "        word=$words[i]\n"
                  "        if [[ -n $skip ]]; then skip=; continue; fi\n"
                  "        case $word in\n        ");
    put_valued(out, " | ");
    buf_text(out, ") skip=1 ;;\n        -*) ;;\n"
                  "        *) if [[ -z $noun ]]; then noun=$word; elif [[ -z $verb ]]; then "
                  "verb=$word; fi ;;\n        esac\n    done\n    case $noun in\n    ");
    put_alone(out);
    buf_text(out, ") key=$noun ;;\n    *) key=\"$noun $verb\" ;;\n    esac\n");
    put_zsh_values(out);
    buf_text(out, "    if [[ -n $skip ]]; then _files; return; fi\n"
                  "    if [[ $words[CURRENT] == -* ]]; then\n    case $key in\n");
    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        put_zsh_options(out, command);
    buf_text(out, "    esac\n        found+=(");
    for (const struct option *o = common_options; o->name; o++)
        put_zsh_entry(out, "--", o->name, o->help);
    put_zsh_entry(out, "--", "config", "the file of the settings");
    for (size_t i = 0; conf_about("client", i, &about); i++)
        if (about.is_read)
            put_zsh_entry(out, "--", about.flag, about.help);
    buf_text(out, ")\n");
    put_zsh_words(out);
    buf_text(out, "    if (( $#found )); then _describe -t words word found; else _files; fi\n"
                  "}\n"
                  "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _colloq \"$@\"; else "
                  "compdef _colloq colloq; fi\n");
}

// ---- fish ---------------------------------------------------------------------------------------

// What completes under a condition; argument: "-l name", "-a words".
static void put_fish(struct buf *out, const char *condition, const char *says,
                     const char *argument) {
    buf_printf(out, "complete -c colloq -n '%s' %s", condition, argument);
    if (says) {
        buf_text(out, " -d ");
        put_quoted(out, says, false);
    }
    buf_byte(out, '\n');
}

static void put_fish_option(struct buf *out, const char *condition, const struct option *option) {
    char argument[512];
    (void)snprintf(argument, sizeof(argument), "-l %s%s%s%s%s", option->name,
                   option->type == OPTION_flag ? ""
                   : option->choices           ? " -x"
                                               : " -r",
                   option->choices ? " -a '" : "", option->choices ? option->choices : "",
                   option->choices ? "'" : "");
    put_fish(out, condition, option->help, argument);
}

static void put_fish_settings(struct buf *out) {
    struct conf_about about;
    for (const struct option *o = common_options; o->name; o++)
        put_fish_option(out, "true", o);
    put_fish(out, "true", "the file of the settings", "-l config -r");
    for (size_t i = 0; conf_about("client", i, &about); i++) {
        const struct option option = {.name = about.flag,
                                      .type = about.has_value ? OPTION_text : OPTION_flag,
                                      .help = about.help,
                                      .choices = about.choices};
        if (about.is_read)
            put_fish_option(out, "true", &option);
    }
}

static void put_fish_all(struct buf *out) {
    const struct command *command;
    char condition[128], argument[64];
    buf_text(out, "# Completion of colloq for fish, written by: colloq help --completion fish\n"
                  "function __colloq_words\n"
                  "    set -l skip\n"
                  "    for word in (commandline -opc)[2..]\n"
                  "        if test -n \"$skip\"\n            set skip\n            continue\n"
                  "        end\n"
                  "        switch $word\n            case ");
    put_valued(out, " ");
    buf_text(out, "\n                set skip 1\n            case '-*'\n            case '*'\n"
                  "                echo $word\n        end\n    end\nend\n"
                  "# Whether these are all words so far.\n"
                  "function __colloq_at\n"
                  "    set -l words (__colloq_words)\n"
                  "    test \"$words\" = \"$argv\"\nend\n"
                  "# Whether the words so far begin with these.\n"
                  "function __colloq_in\n"
                  "    set -l words (__colloq_words)\n"
                  "    test (count $words) -ge (count $argv)\n"
                  "    and test \"$words[1..$(count $argv)]\" = \"$argv\"\nend\n");
    for (size_t i = 0; noun_at(i); i++) {
        (void)snprintf(argument, sizeof(argument), "-f -a %s", noun_at(i)->name);
        put_fish(out, "__colloq_at", noun_at(i)->summary, argument);
        put_fish(out, "__colloq_at help", noun_at(i)->summary, argument);
    }
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        (void)snprintf(argument, sizeof(argument), "-f -a %s", verb_of(command));
        (void)snprintf(condition, sizeof(condition), "__colloq_at %s", command->noun);
        if (command->verb)
            put_fish(out, condition, command->summary, argument);
        (void)snprintf(condition, sizeof(condition), "__colloq_in %s%s%s", command->noun,
                       command->verb ? " " : "", verb_of(command));
        for (const struct option *o = command->options; o->name; o++)
            put_fish_option(out, condition, o);
    }
    put_fish_settings(out);
}

void help_complete(struct buf *out, const char *shell) {
    if (strcmp(shell, "zsh") == 0)
        put_zsh(out);
    else if (strcmp(shell, "fish") == 0)
        put_fish_all(out);
    else
        put_bash(out);
}
