// Made by tools/p256-comb-table.mjs; not to be edited. One point a line; which ones is said at the head of p256-comb.ts.
export const COMB_TABLE =
  'nlYuJWldUnQ_B6xfCS-ZuY4iwNB8AypKT6Vt4lkomd5txGGtcbCKeGHG5jCKR8C-mso810-mwHfDLAo6yLlURw' +
  'nAhw4-gml9YqwavcuTGZB4TT-BmeLBUG26Vz7R1OfPoJm26paG7plpGMZmywsxBD8-KgqsPD7fxxAr8KQvElrQ' +
  'NLHcYhkwzmlUkuCGxNBrCw8XUG6R6-B4Epg8CuA0aPtclV5qKKbz_FQKTdQAb5ZO1ibt89Mkz3JSRyVA1y77Ig' +
  '0ulkBNXaxFndqLomRxY-BpwP1Wo8YY40T05OipZh9Jzs3FvnJQzrAsSYREYYyRzBKoxaemz1U3GgmLgM9nu1Dg' +
  'Umrf-BFORnCw0DOBgsRXR50c0ixovJ-NwiAsZUFYHXZTdkqsY-Rx0SCWT9wvDOsaBd1NjoZMpq1PK2zSRx-ixA' +
  '7IZUgNi920PCHkaRXam0fuQsAndUH-ezgbrtmEIcP1-gUoa8Zu5dh3AvDZCmNpmrtHJavl3ALNn4Qcm_6qRL6w' +
  'hg12k0yK9Dwmx7VBnDiZdScxR27l6w5DF0e_PGK_lYzODMKSYl_AF67he3h0OzfpUc0tRzNwmARP6xZeqBjwMw' +
  'b8x15reXcqle3ZP8fGowcWwZxWReJy3faaZQE_g6PB2g6sHK8wHKfpRQGPpHEIPRquYKsQ_S-jHz1Y411cKCBw' +
  '7G-GpoFQx_LAFPkMMrVUJEFM-3Exm9x72v4ibtvRuZ_PPlS-PUI2qIO1bpCGQPQUPiELmPaAFvHra0IWTRM8Gg' +
  'sHM0sNVEKj-oySEJkRoK-Y2r10urbE041edXkNc2Q6D4zB8mKqXidmbXdRUWmCk-8JRvPH6PvX_lDbuwvuxswA' +
  'Jx1xGDnET7BZ3wB8TxGmDz6ndyGdmWFKWFg-veHQ6Kqm8BbgeOAbupz2zc3Jp-Ni5tkN-NhpAxw1nHsFlEat8Q' +
  'ljqdrD_-JItET8duYLEibvl_4wBMh1bMm0h2P7mmIq9sU3hZIY4MGrBsyQz7Ivpp0-S_2UK87G31GN5gBqI_ew' +
  'mWOxow8jZvGxGg3w9JIauqKoA3CffIzfLfEBnRceF13pKyifcfXGequ-rGwl4eZRj2VDtHpj3jB1HRNOtrlBGA' +
  'yhxaI-vvFbr0NyZstHBef3YfFVpSnMoLQV_zb8hVSpL8yJjIqYY31KVgysQ9W0OZBWy_MkPmkN4NK6YAr6PcnQ' +
  'HCOJrJ3WECj5OsyHI1LXY34S9f_uwCQuhtVwBMkE7OEcr98mxRElW3ioWenHvuvqe4LK0L3_ox1PA5h4y0MVXw' +
  'R5umUKBIGqe_cSRLWu7aoGrXX24nc_ZkFHTh3DecAbMq170VAJS6LanOwYvNtMJUJPrMmqs2X6wqhtemeM0fBQ'
