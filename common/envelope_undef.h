// Included after each reading of schemas/envelope.def; has no include guard on purpose.
#undef KIND
#undef HEAD_BEGIN
#undef HEAD_END
#undef ITEM_BEGIN
#undef ITEM_END
#undef NO_ITEMS
#undef FIELD
#undef NAMES
#undef ATTEMPT
#undef ENDING
