#include "bodies.h"

#include <stddef.h>

#define CHAT      "openai", "chat"
#define MESSAGES  "anthropic", "messages"
#define RESPONSES "openai", "responses"

const struct sample_body bodies[BODIES_MAX] = {
    {"text", CHAT,
     "{\"id\":\"chatcmpl-Ax71\",\"object\":\"chat.completion\",\"created\":1758000001,"
     "\"model\":\"gpt-4.1-mini-2025-04-14\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
     "\"assistant\",\"content\":\"The river is 210 km long.\",\"refusal\":null,"
     "\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{"
     "\"prompt_tokens\":19,\"completion_tokens\":9,\"total_tokens\":28,"
     "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0}},"
     "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_38\"}",
     true},
    {"tool calls", CHAT,
     "{\"id\":\"chatcmpl-Ax72\",\"object\":\"chat.completion\",\"created\":1758000002,"
     "\"model\":\"gpt-4.1-2025-04-14\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
     "\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_a1\",\"type\":\"function\","
     "\"function\":{\"name\":\"measure\",\"arguments\":\"{\\\"river\\\":\\\"Isar\\\","
     "\\\"unit\\\":\\\"km\\\"}\"}},{\"id\":\"call_a2\",\"type\":\"function\",\"function\":{"
     "\"name\":\"measure\",\"arguments\":\"{}\"}}],\"refusal\":null},"
     "\"finish_reason\":\"tool_calls\"}],\"usage\":{\"prompt_tokens\":71,"
     "\"completion_tokens\":40,\"total_tokens\":111},\"system_fingerprint\":\"fp_39\"}",
     true},
    {"reasoning usage", CHAT,
     "{\"id\":\"chatcmpl-Ax73\",\"object\":\"chat.completion\",\"created\":1758000003,"
     "\"model\":\"gpt-5-mini-2025-08-07\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
     "\"assistant\",\"content\":\"42\",\"refusal\":null},\"finish_reason\":\"stop\"}],\"usage\":{"
     "\"prompt_tokens\":33,\"completion_tokens\":722,\"total_tokens\":755,"
     "\"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{"
     "\"reasoning_tokens\":704,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
     "\"rejected_prediction_tokens\":0}},\"service_tier\":\"default\"}",
     true},
    {"refusal", CHAT,
     "{\"id\":\"chatcmpl-Ax74\",\"object\":\"chat.completion\",\"created\":1758000004,"
     "\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
     "\"assistant\",\"content\":null,\"refusal\":\"I cannot help with that.\"},"
     "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":21,\"completion_tokens\":8,"
     "\"total_tokens\":29}}",
     true},
    {"an error", CHAT,
     "{\"error\":{\"message\":\"The server had an error while processing your request.\","
     "\"type\":\"server_error\",\"param\":null,\"code\":null}}",
     false},
    {"unicode", CHAT,
     "{\"id\":\"chatcmpl-Ax75\",\"object\":\"chat.completion\",\"model\":\"gpt-4o-mini\","
     "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
     "\"\xe6\xb2\xb3\xe5\xb7\x9d \xc3\xa4\xc3\xb6\xc3\xbc \xf0\x9f\x8c\x8a \\ud83c\\udf0a "
     "\xd0\xa0\xd0\xb5\xd0\xba\xd0\xb0 \\u00e9 \xe0\xa4\xa8\xe0\xa4\xa6\xe0\xa5\x80\"},"
     "\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":30,"
     "\"total_tokens\":35}}",
     true},
    {"pretty-printed", CHAT,
     "{\n  \"id\": \"chatcmpl-Ax76\",\n  \"object\": \"chat.completion\",\n  \"created\": "
     "1758000006,\n  \"model\": \"gpt-4.1-nano-2025-04-14\",\n  \"choices\": [\n    {\n      "
     "\"index\": 0,\n      \"message\": {\n        \"role\": \"assistant\",\n        \"content\": "
     "\"Yes.\"\n      },\n      \"finish_reason\": \"stop\"\n    }\n  ],\n  \"usage\": {\n    "
     "\"prompt_tokens\": 12,\n    \"completion_tokens\": 2,\n    \"total_tokens\": 14\n  }\n}\n",
     true},
    {"blanks at both ends", CHAT,
     "\n\n  \r\n{\"id\":\"chatcmpl-Ax77\",\"object\":\"chat.completion\",\"model\":\"gpt-5-nano\","
     "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a}]}\"},"
     "\"finish_reason\":\"stop\"}],\"usage\":null}  \r\n\t \n\n",
     true},
    {"several choices", CHAT,
     "{\"id\":\"chatcmpl-Ax78\",\"object\":\"chat.completion\",\"model\":\"gpt-4.1\",\"choices\":["
     "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"one\"},\"finish_reason\":"
     "\"stop\"},{\"index\":1,\"message\":{\"role\":\"assistant\",\"content\":\"two\"},"
     "\"logprobs\":{\"content\":[{\"token\":\"two\",\"logprob\":-0.25,\"bytes\":[116,119,111],"
     "\"top_logprobs\":[]}]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":8,"
     "\"completion_tokens\":2,\"total_tokens\":10}}",
     true},
    {"content filter", CHAT,
     "{\"choices\":[{\"content_filter_results\":{\"hate\":{\"filtered\":true,\"severity\":"
     "\"high\"}},\"finish_reason\":\"content_filter\",\"index\":0,\"message\":{\"role\":"
     "\"assistant\",\"content\":\"\"}}],\"created\":1758000009,\"id\":\"chatcmpl-Ax79\",\"model\":"
     "\"gpt-4o-mini-2024-07-18\",\"object\":\"chat.completion\",\"usage\":{\"completion_tokens\":0,"
     "\"prompt_tokens\":14,\"total_tokens\":14}}",
     true},
    {"a message", MESSAGES,
     "{\"model\":\"claude-sonnet-4-5-20250929\",\"id\":\"msg_01Xa\",\"type\":\"message\",\"role\":"
     "\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"The river is 210 km long.\"}],"
     "\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":19,"
     "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"cache_creation\":{"
     "\"ephemeral_5m_input_tokens\":0,\"ephemeral_1h_input_tokens\":0},\"output_tokens\":9,"
     "\"service_tier\":\"standard\"}}",
     true},
    {"a message with a tool", MESSAGES,
     "{\"id\":\"msg_01Xb\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
     "\"claude-opus-4-1-20250805\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Let me "
     "see.\",\"signature\":\"EqMB\"},{\"type\":\"tool_use\",\"id\":\"toolu_01\",\"name\":"
     "\"measure\",\"input\":{\"river\":\"Isar\",\"list\":[1,2,{\"a\":null}]}}],\"stop_reason\":"
     "\"tool_use\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":71,\"output_tokens\":40}}\n",
     true},
    {"an error of messages", MESSAGES,
     "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},"
     "\"request_id\":\"req_01\"}",
     false},
    {"a response", RESPONSES,
     "{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1758000001,\"status\":"
     "\"completed\","
     "\"error\":null,\"incomplete_details\":null,\"model\":\"gpt-5-nano-2025-08-07\",\"output\":"
     "[{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"gA==\"},{"
     "\"id\":"
     "\"msg_1\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{"
     "\"ty"
     "pe\":\"output_text\",\"annotations\":[],\"text\":\"It is {210} km long.\"}]}],\"usage\":{\"i"
     "nput_tokens\":19,\"output_tokens\":9,\"total_tokens\":28}}",
     true},
    {"an incomplete response", RESPONSES,
     "{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1758000001,\"status\":"
     "\"incomplete\""
     ",\"error\":null,\"incomplete_details\":{\"reason\":\"max_output_tokens\"},\"model\":\"gpt-5"
     "-nano-2025-08-07\",\"output\":[],\"usage\":{\"input_tokens\":19,\"output_tokens\":9,\"tota"
     "l_tokens\":28}}",
     true},
    {"a failed response", RESPONSES,
     "{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1758000001,\"status\":\"failed\","
     "\"er"
     "ror\":{\"code\":\"server_error\",\"message\":\"m\"},\"incomplete_details\":null,\"model\":"
     "\"gp"
     "t-5-nano-2025-08-07\",\"output\":[],\"usage\":null}",
     false},
    {"a queued response", RESPONSES,
     "{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1758000001,\"status\":\"queued\","
     "\"er"
     "ror\":null,\"incomplete_details\":null,\"model\":\"gpt-5-nano-2025-08-07\",\"output\":[],"
     "\"usage\":null}",
     false},
    {NULL, NULL, NULL, NULL, false},
};
